"""The same example ids at the same rows of every batch, for 1, 2 and 4 hosts."""

import json

import numpy as np
import pytest
from multidevice.batch_processes import BATCH, FIRST_STEP, stream

SCRIPT, STEPS = "batch_processes.py", 12


def fed(devices, count):
    """Step -> ids of the batch, by devices and by hosts' own parts, of `count` processes."""
    address = devices.free_address()
    started = [
        devices.start(4 // count, SCRIPT, STEPS, count, address, process)
        for process in range(count)
    ]
    try:
        told = [
            [json.loads(line) for line in devices.finish(one).splitlines() if line.startswith("[")]
            for one in started
        ]
    finally:
        for one in started:
            one.kill()
    batches = {}
    for hosts in zip(*told, strict=True):  # what all processes say of one step
        [step] = {step for step, _, _ in hosts}
        shards = dict(shard for _, shards, _ in hosts for shard in shards)
        assert sorted(shards) == [0, 2, 4, 6]  # each device has two rows, and no device another's
        on_devices = [i for start in sorted(shards) for i in shards[start]]
        batches[step] = on_devices, [i for _, _, local in hosts for i in local]
    return batches


@pytest.mark.slow
def test_one_two_and_four_hosts_feed_the_same_example_ids(devices):
    """Against the ids that the stream names for (seed, step, batch size) in this process."""
    source = stream()
    expected = {
        step: source.example_ids(step).tolist() for step in range(FIRST_STEP, FIRST_STEP + STEPS)
    }
    assert all(len(ids) == BATCH for ids in expected.values())
    assert len(np.unique(list(expected.values()))) == 43  # every row of both sources has its turn
    for count in (1, 2, 4):
        found = fed(devices, count)
        assert found == {step: (ids, ids) for step, ids in expected.items()}, f"{count} hosts"
