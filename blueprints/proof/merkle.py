"""The Merkle tree of RFC 9162, section 2.1: a root over leaves, and proofs that one is among them.

The one kept library, pymerkle, is under the GPL and warns that it has not been audited, so the few
lines stand here. They use the standard library only and are tested with the published vectors of
Certificate Transparency. Leaf and node begin with different bytes, so that neither can be passed
off as the other.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class Root:
    """A root that is computed leaf by leaf. It remembers one hash per level, not the leaves."""

    def __init__(self) -> None:
        self.size = 0
        self._full: list[bytes] = []  # roots of full subtrees, the largest first

    def add(self, data: bytes) -> None:
        """Put a leaf at the end."""
        top = leaf_hash(data)
        merges = self.size
        while merges & 1:
            top = node_hash(self._full.pop(), top)
            merges >>= 1
        self._full.append(top)
        self.size += 1

    def digest(self) -> bytes:
        if not self._full:
            return sha256().digest()
        top = self._full[-1]
        for left in reversed(self._full[:-1]):
            top = node_hash(left, top)
        return top


def root(leaves: Iterable[bytes]) -> bytes:
    tree = Root()
    for data in leaves:
        tree.add(data)
    return tree.digest()


def proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Return the hashes beside the way from a leaf to the root, from below (2.1.3.1)."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"there is no leaf {index} among {len(leaves)}")
    if len(leaves) == 1:
        return ()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = leaves[:split], leaves[split:]
    if index < split:
        return (*proof(left, index), root(right))
    return (*proof(right, index - split), root(left))


def is_in(data: bytes, index: int, size: int, path: Sequence[bytes], expected: bytes) -> bool:
    """Whether the path proves that the data is the leaf at that index of the tree (2.1.3.2)."""
    if not 0 <= index < size:
        return False
    position, last = index, size - 1
    top = leaf_hash(data)
    for beside in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            top = node_hash(beside, top)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            top = node_hash(top, beside)
        position, last = position >> 1, last >> 1
    return last == 0 and top == expected
