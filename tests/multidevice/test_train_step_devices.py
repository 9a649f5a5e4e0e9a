def test_four_devices_take_the_step_of_one(devices):
    printed = devices.run(4, "train_step_devices.py")
    assert " ".join(printed).split() == ["jit", "equal", "pmap", "equal"]
