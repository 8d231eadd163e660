"""Functions that loops call: a text has those that it needs."""

drawing = '''
@njit(**inner)
def keys(seed, mask):
    """Two numbers of 32 bits, of the 53 bits of a draw and the number of the mask."""
    h = np.uint64(seed * 9007199254740992.0) + np.uint64(mask) * np.uint64(0x9E3779B97F4A7C15)
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    h = h ^ (h >> np.uint64(31))
    return np.uint32(h), np.uint32(h >> np.uint64(32))


@njit(**inner)
def drawn(i, a, b):
    """The i-th number of 31 random bits that belongs to two keys."""
    h = np.uint32(np.uint32(i) * np.uint32(0x9E3779B9) + a)
    h = np.uint32((h ^ (h >> np.uint32(16))) * np.uint32(0x21F0AAAD))
    h = np.uint32((h ^ (h >> np.uint32(15))) + b)
    h = np.uint32((h ^ (h >> np.uint32(16))) * np.uint32(0x735A2D97))
    return np.int32((h ^ (h >> np.uint32(15))) >> np.uint32(1))


@njit(**inner)
def limit(p):
    """The largest number of 31 bits that is kept: as many are as come nearest to the share p."""
    if p >= 1.0:
        return np.int32(2147483647)
    return np.int32(np.int64(p * 2147483648.0 + 0.5) - 1) if p > 0.0 else np.int32(-1)

'''

adding = '''
@njit(fastmath={"reassoc"}, **inner)
def plus(total, x):
    """A sum that may be made in any order."""
    return total + x

'''
