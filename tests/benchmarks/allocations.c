/* Counts the bytes that a process allocates, whoever does it: preloaded in front of glibc's malloc.
   live: allocated and not freed; peak: the most that was live since it was reset; total: of all allocations. */

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>

void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void __libc_free(void *);

static atomic_long live, peak, total;

long live_bytes(void) { return live; }
long peak_bytes(void) { return peak; }
long total_bytes(void) { return total; }
void reset_peak(void) { peak = live; }

static void *counted(void *p) {
    if (p) {
        long n = malloc_usable_size(p), now = atomic_fetch_add(&live, n) + n, most = peak;
        atomic_fetch_add(&total, n);
        while (now > most && !atomic_compare_exchange_weak(&peak, &most, now)) {}
    }
    return p;
}

void *malloc(size_t n) { return counted(__libc_malloc(n)); }
void *calloc(size_t k, size_t n) { return counted(__libc_calloc(k, n)); }
void *memalign(size_t a, size_t n) { return counted(__libc_memalign(a, n)); }
void *aligned_alloc(size_t a, size_t n) { return counted(__libc_memalign(a, n)); }

int posix_memalign(void **p, size_t a, size_t n) {
    void *q = memalign(a, n);
    if (!q) return ENOMEM;
    *p = q;
    return 0;
}

void *realloc(void *p, size_t n) {
    long before = p ? malloc_usable_size(p) : 0;
    void *q = __libc_realloc(p, n);
    if (q || !n) atomic_fetch_sub(&live, before);
    return counted(q);
}

void free(void *p) {
    if (p) atomic_fetch_sub(&live, malloc_usable_size(p));
    __libc_free(p);
}
