/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into rr-emu: makes one host call fail.
 *
 *   FAULT_CALL    which: a name of the table below
 *   FAULT_AT      the n-th such call, from 1; 0: none fails
 *   FAULT_AS      what happens: an errno's number, or "short" (half of the bytes are moved)
 *   FAULT_STICKY  1: all later ones fail as well, like a full disk
 *   FAULT_COUNT   a file that gets the number of such calls at exit
 *
 * Calls on the first three descriptors are left alone, so that what the program says is heard.
 */
#undef _FILE_OFFSET_BITS /* both names of every call are wanted */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define CALLS(X)                                                                                             \
    X(WRITE, "write")                                                                                        \
    X(READ, "read")                                                                                          \
    X(OPEN, "open")                                                                                          \
    X(SYNC, "fsync")                                                                                         \
    X(TRUNCATE, "ftruncate")                                                                                 \
    X(MALLOC, "malloc")                                                                                      \
    X(MMAP, "mmap")                                                                                          \
    X(STAT, "fstat")                                                                                         \
    X(CLOSE, "close")                                                                                        \
    X(RENAME, "rename")                                                                                      \
    X(SEEK, "lseek")                                                                                         \
    X(RANDOM, "getrandom")                                                                                   \
    X(POLL, "poll")                                                                                          \
    X(UNLINK, "unlink")                                                                                      \
    X(ACCESS, "access")                                                                                      \
    X(ADVISE, "madvise")                                                                                     \
    X(REMAP, "mremap")                                                                                       \
    X(THREAD, "pthread_create")                                                                              \
    X(MEMFD, "memfd_create")                                                                                 \
    X(MODE, "fchmod")                                                                                        \
    X(MKDIR, "mkdir")                                                                                        \
    X(LINK, "readlink")                                                                                      \
    X(FOLDER, "getcwd")                                                                                      \
    X(FOPEN, "fopen")

typedef enum {
#define X(id, name) CALL_##id,
    CALLS(X)
#undef X
        CALL_COUNT
} Call;

static const char *const call_names[] = {
#define X(id, name) name,
    CALLS(X)
#undef X
};

static int wanted = -1; /* a Call */
static long fail_at;
static int fail_errno; /* 0: short */
static bool sticky;
static const char *count_file;
static atomic_long count;

__attribute__((constructor)) static void shim_start(void) {
    const char *name = getenv("FAULT_CALL"), *at = getenv("FAULT_AT"), *as = getenv("FAULT_AS");
    fail_at = at ? atol(at) : 0;
    fail_errno = as ? atoi(as) : 0;
    sticky = getenv("FAULT_STICKY") != NULL;
    count_file = getenv("FAULT_COUNT");
    for (int i = 0; name && i < CALL_COUNT; i++)
        if (!strcmp(name, call_names[i]))
            wanted = i;
}

__attribute__((destructor)) static void shim_end(void) {
    int was = wanted;
    wanted = -1;
    FILE *f = was >= 0 && count_file ? fopen(count_file, "w") : NULL;
    if (!f)
        return;
    fprintf(f, "%ld\n", atomic_load(&count));
    fclose(f);
}

/* Must this call fail? */
static bool hit(Call call) {
    if (wanted != (int)call)
        return false;
    long n = atomic_fetch_add(&count, 1) + 1;
    return fail_at && (n == fail_at || (sticky && n > fail_at));
}

#define NEXT(type, name)                                                                                     \
    static type (*next)();                                                                                   \
    if (!next)                                                                                               \
    next = (type(*)())dlsym(RTLD_NEXT, name)

#define FAIL(value)                                                                                          \
    do {                                                                                                     \
        errno = fail_errno ? fail_errno : EIO;                                                               \
        return value;                                                                                        \
    } while (0)

/* Reads and writes: fail, or move half. One byte cannot be moved by halves. */
#define TRANSFER(call, fd, size)                                                                             \
    if ((fd) > 2 && hit(call)) {                                                                             \
        if (fail_errno || (size) < 2)                                                                        \
            FAIL(-1);                                                                                        \
        (size) /= 2;                                                                                         \
    }

EXPORT ssize_t write(int fd, const void *data, size_t size) {
    NEXT(ssize_t, "write");
    TRANSFER(CALL_WRITE, fd, size)
    return next(fd, data, size);
}
EXPORT ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    NEXT(ssize_t, "pwrite");
    TRANSFER(CALL_WRITE, fd, size)
    return next(fd, data, size, at);
}
EXPORT ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    NEXT(ssize_t, "pwrite64");
    TRANSFER(CALL_WRITE, fd, size)
    return next(fd, data, size, at);
}
/* Half of it: half of the first part that has bytes. */
EXPORT ssize_t writev(int fd, const struct iovec *parts, int n) {
    NEXT(ssize_t, "writev");
    if (fd <= 2 || !hit(CALL_WRITE))
        return next(fd, parts, n);
    for (int i = 0; !fail_errno && i < n; i++)
        if (parts[i].iov_len > 1)
            return next(fd, &(struct iovec){parts[i].iov_base, parts[i].iov_len / 2}, 1);
    FAIL(-1);
}
EXPORT ssize_t read(int fd, void *data, size_t size) {
    NEXT(ssize_t, "read");
    TRANSFER(CALL_READ, fd, size)
    return next(fd, data, size);
}
EXPORT ssize_t pread(int fd, void *data, size_t size, off_t at) {
    NEXT(ssize_t, "pread");
    TRANSFER(CALL_READ, fd, size)
    return next(fd, data, size, at);
}
EXPORT ssize_t pread64(int fd, void *data, size_t size, off64_t at) {
    NEXT(ssize_t, "pread64");
    TRANSFER(CALL_READ, fd, size)
    return next(fd, data, size, at);
}

static mode_t open_mode(int flags, va_list args) {
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
}
#define OPEN(name)                                                                                           \
    EXPORT int name(const char *path, int flags, ...) {                                                      \
        NEXT(int, #name);                                                                                    \
        va_list args;                                                                                        \
        va_start(args, flags);                                                                               \
        mode_t mode = open_mode(flags, args);                                                                \
        va_end(args);                                                                                        \
        if (hit(CALL_OPEN))                                                                                  \
            FAIL(-1);                                                                                        \
        return next(path, flags, mode);                                                                      \
    }
OPEN(open)
OPEN(open64)

#define SIMPLE(type, name, call, params, args)                                                               \
    EXPORT type name params {                                                                                \
        NEXT(type, #name);                                                                                   \
        if (hit(call))                                                                                       \
            FAIL((type)-1);                                                                                  \
        return next args;                                                                                    \
    }
SIMPLE(int, fsync, CALL_SYNC, (int fd), (fd))
SIMPLE(int, fdatasync, CALL_SYNC, (int fd), (fd))
SIMPLE(int, ftruncate, CALL_TRUNCATE, (int fd, off_t size), (fd, size))
SIMPLE(int, ftruncate64, CALL_TRUNCATE, (int fd, off64_t size), (fd, size))
SIMPLE(int, rename, CALL_RENAME, (const char *from, const char *to), (from, to))
SIMPLE(off_t, lseek, CALL_SEEK, (int fd, off_t at, int whence), (fd, at, whence))
SIMPLE(off64_t, lseek64, CALL_SEEK, (int fd, off64_t at, int whence), (fd, at, whence))
SIMPLE(int, fstat, CALL_STAT, (int fd, struct stat *to), (fd, to))
SIMPLE(int, fstat64, CALL_STAT, (int fd, struct stat64 *to), (fd, to))
SIMPLE(ssize_t, getrandom, CALL_RANDOM, (void *to, size_t size, unsigned flags), (to, size, flags))
SIMPLE(void *, mmap, CALL_MMAP, (void *at, size_t size, int prot, int flags, int fd, off_t offset),
       (at, size, prot, flags, fd, offset))
SIMPLE(void *, mmap64, CALL_MMAP, (void *at, size_t size, int prot, int flags, int fd, off64_t offset),
       (at, size, prot, flags, fd, offset))

SIMPLE(int, madvise, CALL_ADVISE, (void *at, size_t size, int advice), (at, size, advice))
SIMPLE(int, memfd_create, CALL_MEMFD, (const char *name, unsigned flags), (name, flags))
SIMPLE(int, fchmod, CALL_MODE, (int fd, mode_t mode), (fd, mode))
SIMPLE(int, mkdir, CALL_MKDIR, (const char *path, mode_t mode), (path, mode))
SIMPLE(ssize_t, readlink, CALL_LINK, (const char *path, char *to, size_t size), (path, to, size))

SIMPLE(int, stat, CALL_STAT, (const char *path, struct stat *to), (path, to))
SIMPLE(int, stat64, CALL_STAT, (const char *path, struct stat64 *to), (path, to))
SIMPLE(int, lstat, CALL_STAT, (const char *path, struct stat *to), (path, to))
SIMPLE(int, lstat64, CALL_STAT, (const char *path, struct stat64 *to), (path, to))
SIMPLE(int, unlink, CALL_UNLINK, (const char *path), (path))
SIMPLE(int, access, CALL_ACCESS, (const char *path, int mode), (path, mode))
SIMPLE(int, poll, CALL_POLL, (struct pollfd * fds, nfds_t n, int timeout), (fds, n, timeout))
SIMPLE(int, ppoll, CALL_POLL,
       (struct pollfd * fds, nfds_t n, const struct timespec *t, const __sigset_t *mask), (fds, n, t, mask))

#define OPEN_STREAM(name)                                                                                    \
    EXPORT FILE *name(const char *path, const char *mode) {                                                  \
        NEXT(FILE *, #name);                                                                                 \
        if (hit(CALL_FOPEN))                                                                                 \
            FAIL(NULL);                                                                                      \
        return next(path, mode);                                                                             \
    }
OPEN_STREAM(fopen)
OPEN_STREAM(fopen64)

EXPORT char *getcwd(char *to, size_t size) {
    NEXT(char *, "getcwd");
    if (hit(CALL_FOLDER))
        FAIL(NULL);
    return next(to, size);
}

EXPORT void *mremap(void *at, size_t from, size_t to, int flags, ...) {
    NEXT(void *, "mremap");
    va_list args;
    va_start(args, flags);
    void *where = flags & MREMAP_FIXED ? va_arg(args, void *) : NULL;
    va_end(args);
    if (hit(CALL_REMAP))
        FAIL(MAP_FAILED);
    return next(at, from, to, flags, where);
}

/* Its error is its value. */
EXPORT int pthread_create(pthread_t *to, const pthread_attr_t *attributes, void *(*start)(void *),
                          void *data) {
    NEXT(int, "pthread_create");
    return hit(CALL_THREAD) ? fail_errno : next(to, attributes, start, data);
}

/* A failed close has closed: POSIX leaves it open, Linux does not. */
EXPORT int close(int fd) {
    NEXT(int, "close");
    bool fails = fd > 2 && hit(CALL_CLOSE);
    int result = next(fd);
    if (fails)
        FAIL(-1);
    return result;
}

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);
#define ALLOCATE(name, params, args)                                                                         \
    EXPORT void *name params {                                                                               \
        if (hit(CALL_MALLOC)) {                                                                              \
            errno = ENOMEM;                                                                                  \
            return NULL;                                                                                     \
        }                                                                                                    \
        return __libc_##name args;                                                                           \
    }
ALLOCATE(malloc, (size_t size), (size))
ALLOCATE(calloc, (size_t n, size_t size), (n, size))
ALLOCATE(realloc, (void *old, size_t size), (old, size))
