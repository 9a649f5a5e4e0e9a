def test_the_losses_of_twenty_steps_do_not_depend_on_the_mesh(devices):
    printed = devices.run(8, "train_meshes.py")
    expected = ["1", "2x2", "8", "4x2", "refused", "12", "refused", "24", "refused", "4"]
    assert " ".join(printed).split() == expected
