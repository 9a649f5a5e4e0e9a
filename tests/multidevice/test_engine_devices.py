def test_meshes_answer_what_one_device_does(devices):
    printed = devices.run(8, "engine_devices.py")
    meshes = ("data=8", "tensor=4", "data=2 tensor=2", "data=3")
    assert printed == [
        *(f"{mesh} {what} equal" for mesh in meshes for what in ("scores", "texts")),
        "dialogues equal",
        "heads refused",
        "eight bits refused",
    ]
