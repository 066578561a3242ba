/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/symbols/process_files.h"

#include <string.h>

#include "analyses/trackers/peek.h"

#define PATH_LONGEST 4096u
#define HERE ((uint64_t)-100) /* AT_FDCWD */

enum {
    NR_DUP = 23,
    NR_DUP3 = 24,
    NR_FCNTL = 25,
    NR_CHDIR = 49,
    NR_FCHDIR = 50,
    NR_OPENAT = 56,
    NR_CLOSE = 57,
    NR_OPENAT2 = 437
};
enum { F_DUPFD = 0, F_DUPFD_CLOEXEC = 1030 };

struct ProcessFiles {
    GHashTable *processes; /* pid → table of descriptor → path; HERE: the folder */
};

ProcessFiles *process_files_new(void) {
    ProcessFiles *f = g_new0(ProcessFiles, 1);
    f->processes =
        g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, (GDestroyNotify)g_hash_table_unref);
    return f;
}

void process_files_free(ProcessFiles *f) {
    g_hash_table_unref(f->processes);
    g_free(f);
}

static uint64_t key_of(uint64_t fd) {
    return (uint64_t)(int64_t)(int32_t)fd;
}

static void put(GHashTable *files, uint64_t fd, char *path) {
    uint64_t key = key_of(fd);
    if (path)
        g_hash_table_insert(files, g_memdup2(&key, sizeof key), path);
    else /* it is another file than what had the number before */
        g_hash_table_remove(files, &key);
}

static const char *get(GHashTable *files, uint64_t fd) {
    uint64_t key = key_of(fd);
    return files ? g_hash_table_lookup(files, &key) : NULL;
}

static GHashTable *files_of(const ProcessFiles *f, int64_t pid) {
    return g_hash_table_lookup(f->processes, &pid);
}

void process_files_begin(ProcessFiles *f, int64_t pid, int64_t parent) {
    GHashTable *files = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    GHashTable *before = parent && parent != pid ? files_of(f, parent) : NULL;
    GHashTableIter it;
    gpointer fd, path;
    put(files, HERE, g_strdup("/"));
    if (before) {
        g_hash_table_iter_init(&it, before);
        while (g_hash_table_iter_next(&it, &fd, &path))
            put(files, *(uint64_t *)fd, g_strdup(path));
    }
    g_hash_table_insert(f->processes, g_memdup2(&pid, sizeof pid), files);
}

static char *read_path(const Hart *hart, Gva at) {
    char path[PATH_LONGEST];
    uint64_t n = peek_some(hart, at, path, sizeof path);
    return memchr(path, 0, n) && *path ? g_strdup(path) : NULL;
}

/* Takes the path. NULL: it is not known where that begins. */
static char *whole(GHashTable *files, uint64_t folder, char *path) {
    if (!path || *path == '/')
        return path;
    const char *from = get(files, folder);
    char *all = from ? g_strdup_printf("%s/%s", from, path) : NULL;
    g_free(path);
    return all && strlen(all) < PATH_LONGEST ? all : (g_free(all), NULL);
}

void process_files_call(ProcessFiles *f, int64_t pid, const Syscall *c, const Hart *hart) {
    GHashTable *files = files_of(f, pid);
    const uint64_t *a = c->args;
    uint64_t result = (uint64_t)c->result;
    if (!files)
        return;
    switch (c->nr) {
    case NR_OPENAT:
    case NR_OPENAT2: put(files, result, whole(files, a[0], read_path(hart, a[1]))); break;
    case NR_CLOSE: put(files, a[0], NULL); break;
    case NR_FCNTL:
        if (a[1] != F_DUPFD && a[1] != F_DUPFD_CLOEXEC)
            break;
        /* fallthrough */
    case NR_DUP:
    case NR_DUP3: put(files, result, g_strdup(get(files, a[0]))); break;
    case NR_CHDIR: put(files, HERE, whole(files, HERE, read_path(hart, a[0]))); break;
    case NR_FCHDIR: put(files, HERE, g_strdup(get(files, a[0]))); break;
    default: break;
    }
}

const char *process_files_path(const ProcessFiles *f, int64_t pid, uint64_t fd) {
    return get(files_of(f, pid), fd);
}

char *process_files_executed(const ProcessFiles *f, int64_t pid, char *name) {
    static const char by_fd[] = "/dev/fd/";
    GHashTable *files = files_of(f, pid);
    if (!g_str_has_prefix(name, by_fd))
        return whole(files, HERE, name);
    char *rest;
    uint64_t fd = g_ascii_strtoull(name + strlen(by_fd), &rest, 10);
    const char *path = get(files, fd);
    char *all = path ? g_strconcat(path, rest, NULL) : NULL;
    g_free(name);
    return all;
}
