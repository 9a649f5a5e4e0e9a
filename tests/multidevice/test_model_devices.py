def test_four_devices_compute_what_one_does(devices):
    printed = devices.run(4, "model_devices.py")
    assert printed == [
        "attention jit equal",
        "attention shard_map equal",
        "attention pmap equal",
        "segments shard_map equal",
        "decoder data=4 fsdp=1 tensor=1 equal",
        "decoder data=1 fsdp=4 tensor=1 equal",
        "decoder data=1 fsdp=2 tensor=2 equal",
        "mesh refused",
        "heads refused",
    ]
