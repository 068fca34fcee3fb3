"""No random byte is given out twice: not to two callers, and not to a child."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from hotline.plumbing.entropy import POOL_BYTES, Entropy


def test_callers_on_many_threads_get_different_bytes() -> None:
    entropy = Entropy()
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(entropy.take, [16] * 2000))
    assert len(set(taken)) == 2000


@pytest.mark.parametrize("count", [1, 16, POOL_BYTES, POOL_BYTES + 1])
def test_as_many_bytes_as_asked_for(count: int) -> None:
    assert len(Entropy().take(count)) == count


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_gets_bytes_of_its_own() -> None:
    entropy = Entropy()
    entropy.take(1)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, entropy.take(32))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 32) != entropy.take(32)
