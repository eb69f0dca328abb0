"""The Merkle tree: the published vectors, and what must hold for every size."""

import hashlib

import pytest

from blueprints.proof.merkle import is_in, proof, root

# The reference tree of Certificate Transparency (transparency-dev/merkle, testonly/constants.go):
# eight inputs, the roots of the trees over the first n of them, and some inclusion proofs.
INPUTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PATHS = [  # (leaf, size, path), the leaf counted from 0
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_those_published(size: int) -> None:
    assert root(INPUTS[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size", "path"), PATHS)
def test_the_proofs_are_those_published(index: int, size: int, path: list[str]) -> None:
    assert [step.hex() for step in proof(INPUTS[:size], index)] == path
    expected = bytes.fromhex(ROOTS[size])
    assert is_in(INPUTS[index], index, size, [bytes.fromhex(step) for step in path], expected)


def test_in_every_tree_each_leaf_is_proven_and_nothing_else_is() -> None:
    leaves = [hashlib.sha256(bytes([number])).digest() for number in range(40)]
    for size in range(1, len(leaves) + 1):
        top = root(leaves[:size])
        for index in range(size):
            path = proof(leaves[:size], index)
            assert len(path) <= (size - 1).bit_length()
            assert is_in(leaves[index], index, size, path, top)
            assert not is_in(leaves[index - 1], index, size, path, top) or size == 1
            assert not is_in(leaves[index], index, size, (*path, top), top)
            assert not is_in(leaves[index], index, size, path[:-1], top) or size == 1
            assert not is_in(leaves[index], (index + 1) % size, size, path, top) or size == 1
            for step in range(len(path)):
                bent = [*path[:step], leaves[index], *path[step + 1 :]]
                assert not is_in(leaves[index], index, size, bent, top)


@pytest.mark.parametrize(("index", "size"), [(-1, 1), (-1, 3), (1, 1), (3, 3), (0, 0)])
def test_a_leaf_outside_the_tree_has_no_proof(index: int, size: int) -> None:
    assert not is_in(INPUTS[0], index, size, (), root(INPUTS[:size]))
    with pytest.raises(IndexError):
        proof(INPUTS[:size], index)
