/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/builtin/syscall_text.h"

#include <glib.h>
#include <string.h>

#define PATH_BYTES 256u /* shown of a path */
#define DATA_BYTES 64u  /* of what is read and written */
#define ARRAY_ITEMS 32u
#define STACK_POINTERS 4096u
#define AUX_EXECFN 31u
#define AT_FDCWD (-100)
#define PAGE_SIZE 4096u

typedef struct Name {
    uint64_t value;
    const char *name;
} Name;

/* -- numbers with names ---------------------------------------------------------------------------------- */
/* asm-generic/fcntl.h; O_SYNC and O_TMPFILE hold bits of others and come first. */
static const Name open_flags[] = {
    {020200000, "O_TMPFILE"}, {04010000, "O_SYNC"},    {0100, "O_CREAT"},       {0200, "O_EXCL"},
    {0400, "O_NOCTTY"},       {01000, "O_TRUNC"},      {02000, "O_APPEND"},     {04000, "O_NONBLOCK"},
    {010000, "O_DSYNC"},      {020000, "FASYNC"},      {040000, "O_DIRECT"},    {0100000, "O_LARGEFILE"},
    {0200000, "O_DIRECTORY"}, {0400000, "O_NOFOLLOW"}, {01000000, "O_NOATIME"}, {02000000, "O_CLOEXEC"},
    {010000000, "O_PATH"},
};
/* asm-generic/mman-common.h, mman.h */
static const Name protections[] = {{1, "PROT_READ"},
                                   {2, "PROT_WRITE"},
                                   {4, "PROT_EXEC"},
                                   {0x01000000, "PROT_GROWSDOWN"},
                                   {0x02000000, "PROT_GROWSUP"}};
static const Name map_flags[] = {
    {1, "MAP_SHARED"},          {2, "MAP_PRIVATE"},        {0x10, "MAP_FIXED"},
    {0x20, "MAP_ANONYMOUS"},    {0x100, "MAP_GROWSDOWN"},  {0x800, "MAP_DENYWRITE"},
    {0x1000, "MAP_EXECUTABLE"}, {0x2000, "MAP_LOCKED"},    {0x4000, "MAP_NORESERVE"},
    {0x8000, "MAP_POPULATE"},   {0x10000, "MAP_NONBLOCK"}, {0x20000, "MAP_STACK"},
    {0x40000, "MAP_HUGETLB"},   {0x80000, "MAP_SYNC"},     {0x100000, "MAP_FIXED_NOREPLACE"},
};
/* linux/sched.h */
static const Name clone_flags[] = {
    {0x100, "CLONE_VM"},
    {0x200, "CLONE_FS"},
    {0x400, "CLONE_FILES"},
    {0x800, "CLONE_SIGHAND"},
    {0x1000, "CLONE_PIDFD"},
    {0x2000, "CLONE_PTRACE"},
    {0x4000, "CLONE_VFORK"},
    {0x8000, "CLONE_PARENT"},
    {0x10000, "CLONE_THREAD"},
    {0x20000, "CLONE_NEWNS"},
    {0x40000, "CLONE_SYSVSEM"},
    {0x80000, "CLONE_SETTLS"},
    {0x100000, "CLONE_PARENT_SETTID"},
    {0x200000, "CLONE_CHILD_CLEARTID"},
    {0x400000, "CLONE_DETACHED"},
    {0x800000, "CLONE_UNTRACED"},
    {0x1000000, "CLONE_CHILD_SETTID"},
    {0x2000000, "CLONE_NEWCGROUP"},
    {0x4000000, "CLONE_NEWUTS"},
    {0x8000000, "CLONE_NEWIPC"},
    {0x10000000, "CLONE_NEWUSER"},
    {0x20000000, "CLONE_NEWPID"},
    {0x40000000, "CLONE_NEWNET"},
    {0x80000000, "CLONE_IO"},
};
/* asm-generic/signal.h */
static const char *const signals[] = {
    NULL,        "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",
    "SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM",
    "SIGSTKFLT", "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",
    "SIGXCPU",   "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS",
};
static const char *const accesses[] = {"O_RDONLY", "O_WRONLY", "O_RDWR"};
static const char *const whences[] = {"SEEK_SET", "SEEK_CUR", "SEEK_END", "SEEK_DATA", "SEEK_HOLE"};
static const char *const hows[] = {"SIG_BLOCK", "SIG_UNBLOCK", "SIG_SETMASK"};
static const char *const clocks[] = {
    "CLOCK_REALTIME",       "CLOCK_MONOTONIC",       "CLOCK_PROCESS_CPUTIME_ID", "CLOCK_THREAD_CPUTIME_ID",
    "CLOCK_MONOTONIC_RAW",  "CLOCK_REALTIME_COARSE", "CLOCK_MONOTONIC_COARSE",   "CLOCK_BOOTTIME",
    "CLOCK_REALTIME_ALARM", "CLOCK_BOOTTIME_ALARM",
};
static const char *const futexes[] = {
    "FUTEX_WAIT",           "FUTEX_WAKE",        "FUTEX_FD",          "FUTEX_REQUEUE",
    "FUTEX_CMP_REQUEUE",    "FUTEX_WAKE_OP",     "FUTEX_LOCK_PI",     "FUTEX_UNLOCK_PI",
    "FUTEX_TRYLOCK_PI",     "FUTEX_WAIT_BITSET", "FUTEX_WAKE_BITSET", "FUTEX_WAIT_REQUEUE_PI",
    "FUTEX_CMP_REQUEUE_PI", "FUTEX_LOCK_PI2",
};
#define FUTEX_PRIVATE 128u
#define FUTEX_REALTIME 256u

/* The names of the bits joined with |, what has none in hexadecimal; behind what `s` holds already. */
static void add_flags(GString *s, uint64_t value, const Name *names, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if ((value & names[i].value) != names[i].value)
            continue;
        g_string_append_printf(s, "%s%s", s->len ? "|" : "", names[i].name);
        value &= ~names[i].value;
    }
    if (value)
        g_string_append_printf(s, "%s%#" G_GINT64_MODIFIER "x", s->len ? "|" : "", value);
    else if (!s->len)
        g_string_append_c(s, '0');
}

static void add_one(GString *s, uint64_t value, const char *const *names, size_t n) {
    if (value < n && names[value])
        g_string_append(s, names[value]);
    else
        g_string_append_printf(s, "%" G_GINT64_FORMAT, (int64_t)value);
}

static void add_futex(GString *s, uint64_t value) {
    add_one(s, value & ~(uint64_t)(FUTEX_PRIVATE | FUTEX_REALTIME), futexes, G_N_ELEMENTS(futexes));
    if (value & FUTEX_PRIVATE)
        g_string_append(s, "|FUTEX_PRIVATE_FLAG");
    if (value & FUTEX_REALTIME)
        g_string_append(s, "|FUTEX_CLOCK_REALTIME");
}

/* The low byte is the signal at the child's end. */
static void add_clone(GString *s, uint64_t value) {
    if (value & ~(uint64_t)0xff || !(value & 0xff))
        add_flags(s, value & ~(uint64_t)0xff, clone_flags, G_N_ELEMENTS(clone_flags));
    if (value & 0xff) {
        g_string_append(s, s->len ? "|" : "");
        add_one(s, value & 0xff, signals, G_N_ELEMENTS(signals));
    }
}

static void add_protection(GString *s, uint64_t value) {
    if (value)
        add_flags(s, value, protections, G_N_ELEMENTS(protections));
    else
        g_string_append(s, "PROT_NONE");
}

static void add_open_flags(GString *s, uint64_t value) {
    uint64_t rest = value & ~(uint64_t)3;
    add_one(s, value & 3, accesses, G_N_ELEMENTS(accesses));
    if (rest)
        add_flags(s, rest, open_flags, G_N_ELEMENTS(open_flags));
}

/* What stands for itself; false: it is about memory. */
static bool add_number(GString *s, char type, uint64_t v) {
    int64_t i = (int64_t)v;
    switch (type) {
    case 'f':
    case 'i': g_string_append_printf(s, "%d", (int32_t)i); return true;
    case 'F':
        if ((int32_t)i == AT_FDCWD)
            g_string_append(s, "AT_FDCWD");
        else
            g_string_append_printf(s, "%d", (int32_t)i);
        return true;
    case 'u': g_string_append_printf(s, "%" G_GUINT64_FORMAT, v); return true;
    case 'x': g_string_append_printf(s, v ? "%#" G_GINT64_MODIFIER "x" : "0", v); return true;
    case 'o': g_string_append_printf(s, v & 0xffff ? "0%o" : "0", (unsigned)v & 0xffff); return true;
    case 'O': add_open_flags(s, v & UINT32_MAX); return true;
    case 'P': add_protection(s, v); return true;
    case 'M': add_flags(s, v, map_flags, G_N_ELEMENTS(map_flags)); return true;
    case 'c': add_clone(s, v); return true;
    case 'w': add_one(s, v & UINT32_MAX, whences, G_N_ELEMENTS(whences)); return true;
    case 'S': add_one(s, v & UINT32_MAX, signals, G_N_ELEMENTS(signals)); return true;
    case 'h': add_one(s, v & UINT32_MAX, hows, G_N_ELEMENTS(hows)); return true;
    case 'k': add_one(s, v & UINT32_MAX, clocks, G_N_ELEMENTS(clocks)); return true;
    case 'X': add_futex(s, v & UINT32_MAX); return true;
    default: return false;
    }
}

/* -- memory ---------------------------------------------------------------------------------------------- */
/* How many of the bytes there are, up to the first page that cannot be read. */
static size_t read_some(const RrHart *hart, uint64_t va, uint8_t *to, size_t size) {
    size_t done = 0;
    while (done < size) {
        size_t n = MIN(size - done, PAGE_SIZE - (va + done) % PAGE_SIZE);
        if (!rr_read_virtual(hart, va + done, to + done, n))
            break;
        done += n;
    }
    return done;
}

static bool read_number(const RrHart *hart, uint64_t va, unsigned size, uint64_t *value) {
    uint8_t bytes[8];
    if (!rr_read_virtual(hart, va, bytes, size))
        return false;
    *value = 0;
    for (unsigned i = 0; i < size; i++)
        *value |= (uint64_t)bytes[i] << 8 * i;
    return true;
}

static bool read_u64(const RrHart *hart, uint64_t va, uint64_t *value) {
    return read_number(hart, va, 8, value);
}

static void add_pointer(GString *s, uint64_t v) {
    g_string_append_printf(s, v ? "%#" G_GINT64_MODIFIER "x" : "NULL", v);
}

static void add_quoted(GString *s, const uint8_t *bytes, size_t n, bool more) {
    g_string_append_c(s, '"');
    for (size_t i = 0; i < n; i++) {
        uint8_t c = bytes[i];
        const char *escape = c == '\n' ? "\\n" : c == '\t' ? "\\t" : c == '\r' ? "\\r" : NULL;
        if (escape)
            g_string_append(s, escape);
        else if (c < ' ' || c >= 0x7f)
            g_string_append_printf(s, "\\x%02x", c);
        else if (c == '"' || c == '\\')
            g_string_append_printf(s, "\\%c", c);
        else
            g_string_append_c(s, (char)c);
    }
    g_string_append(s, more ? "\"..." : "\"");
}

static bool add_data(GString *s, const RrHart *hart, uint64_t va, uint64_t size) {
    uint8_t bytes[DATA_BYTES];
    uint64_t n = MIN(size, sizeof bytes);
    if (!va || !rr_read_virtual(hart, va, bytes, n))
        return false;
    add_quoted(s, bytes, n, n < size);
    return true;
}

static bool add_string(GString *s, const RrHart *hart, uint64_t va) {
    uint8_t bytes[PATH_BYTES];
    uint64_t n = va ? read_some(hart, va, bytes, sizeof bytes) : 0;
    if (!n)
        return false;
    const uint8_t *end = memchr(bytes, 0, n);
    if (!end && n < sizeof bytes)
        return false;
    add_quoted(s, bytes, end ? (size_t)(end - bytes) : n, !end);
    return true;
}

/* False: some could not be read; those are shown as addresses. */
static bool add_strings(GString *s, const RrHart *hart, uint64_t va) {
    uint64_t at;
    bool good = true;
    g_string_append_c(s, '[');
    for (unsigned i = 0; read_u64(hart, va + 8 * (uint64_t)i, &at); i++) {
        if (!at || i == ARRAY_ITEMS) {
            g_string_append(s, at ? ", ...]" : "]");
            return good;
        }
        g_string_append(s, i ? ", " : "");
        if (!add_string(s, hart, at)) {
            add_pointer(s, at);
            good = false;
        }
    }
    g_string_truncate(s, 0);
    return false;
}

/* Up to the end of an array of pointers; how many there are. False: it is not there, or goes on for too long. */
static bool skip_pointers(const RrHart *hart, uint64_t *va, unsigned *n) {
    uint64_t at = 1;
    for (*n = 0; *n < STACK_POINTERS && read_u64(hart, *va, &at); *va += 8, ++*n)
        if (!at)
            return *va += 8, true;
    return false;
}

static bool add_time(GString *s, const RrHart *hart, uint64_t va) {
    uint64_t seconds, nanoseconds;
    if (!va || !read_u64(hart, va, &seconds) || !read_u64(hart, va + 8, &nanoseconds))
        return false;
    g_string_append_printf(s, "{%" G_GINT64_FORMAT ", %" G_GINT64_FORMAT "}", (int64_t)seconds,
                           (int64_t)nanoseconds);
    return true;
}

static bool add_ints(GString *s, const RrHart *hart, uint64_t va, unsigned n) {
    uint64_t v[2] = {0};
    for (unsigned i = 0; i < n; i++)
        if (!va || !read_number(hart, va + 4 * (uint64_t)i, 4, &v[i]))
            return false;
    g_string_append_printf(s, n == 1 ? "[%d]" : "[%d, %d]", (int)v[0], (int)v[1]);
    return true;
}

/* What the call reads. */
static bool add_input(GString *s, const SyscallText *t, unsigned i, const RrHart *hart) {
    switch (t->types[i]) {
    case 's': return add_string(s, hart, t->args[i]);
    case 'a': return add_strings(s, hart, t->args[i]);
    case 'b': return add_data(s, hart, t->args[i], t->args[i + 1]);
    case 'T': return add_time(s, hart, t->args[i]);
    default: return false;
    }
}

/* What it wrote; size: its result. */
static bool add_output(GString *s, const SyscallText *t, unsigned i, const RrHart *hart, uint64_t size) {
    switch (t->types[i]) {
    case 'r': return add_data(s, hart, t->args[i], size);
    case 't': return add_time(s, hart, t->args[i]);
    case 'g': return add_ints(s, hart, t->args[i], 2);
    case 'G': return add_ints(s, hart, t->args[i], 1);
    default: return false;
    }
}

void syscall_text_begin(SyscallText *t, uint64_t nr, const uint64_t *args, const RrHart *hart) {
    *t = (SyscallText){.name = syscall_name(nr), .types = "xxxxxx"};
    if (t->name)
        t->types = syscall_types(nr);
    memcpy(t->args, args, sizeof t->args);
    for (unsigned i = 0; t->types[i]; i++) {
        GString *s = g_string_new(NULL);
        t->complete[i] = add_number(s, t->types[i], args[i]) || add_input(s, t, i, hart);
        t->parts[i] = g_string_free(s, FALSE);
        uint64_t va = args[i];
        if (t->types[i] == 'a' && !skip_pointers(hart, &va, &t->strings))
            t->strings = 0;
    }
}

static void replace(SyscallText *t, unsigned i, GString *s, bool good) {
    if (good) {
        g_free(t->parts[i]);
        t->parts[i] = g_strdup(s->str);
        t->complete[i] = true;
    }
    g_string_free(s, TRUE);
}

/* The stack of a new program: argc, argv, 0, the environment, 0, the auxiliary vector (whose path execveat makes up). */
void syscall_text_executed(SyscallText *t, const RrHart *hart) {
    const char *array = strchr(t->types, 'a');
    uint64_t sp, va, key, value;
    unsigned n, n_environment;
    if (!array || array == t->types || !rr_register(hart, "sp", &sp))
        return;
    unsigned i = (unsigned)(array - t->types);
    va = sp + 8;
    if (!skip_pointers(hart, &va, &n))
        return;
    GString *s;
    if (!t->complete[i] && n == t->strings) {
        s = g_string_new(NULL);
        replace(t, i, s, add_strings(s, hart, sp + 8));
    }
    if (i != 1 || t->complete[0] || !skip_pointers(hart, &va, &n_environment))
        return;
    for (unsigned k = 0; k < 64 && read_u64(hart, va, &key) && read_u64(hart, va + 8, &value) && key;
         k++, va += 16) {
        if (key != AUX_EXECFN)
            continue;
        s = g_string_new(NULL);
        replace(t, 0, s, add_string(s, hart, value));
    }
}

/* What was not there when the call began may be now: the kernel has touched it. */
static void complete(SyscallText *t, unsigned i, const RrHart *hart, bool has_result, int64_t result) {
    GString *s = g_string_new(NULL);
    bool good = (has_result && result >= 0 && add_output(s, t, i, hart, (uint64_t)result)) ||
                add_input(s, t, i, hart);
    replace(t, i, s, good);
}

char *syscall_text_end(SyscallText *t, const RrHart *hart, bool has_result, int64_t result,
                       const char *error) {
    GString *out = g_string_new(t->name ? t->name : "unknown");
    for (unsigned i = 0; t->types[i]; i++) {
        g_string_append(out, i ? ", " : "(");
        if (!t->complete[i] && hart)
            complete(t, i, hart, has_result && !error, result);
        if (*t->parts[i])
            g_string_append(out, t->parts[i]);
        else
            add_pointer(out, t->args[i]);
        g_clear_pointer(&t->parts[i], g_free);
    }
    g_string_append(out, *t->types ? ") = " : "() = ");
    if (error)
        g_string_append_printf(out, has_result ? "-1 %s" : "? %s", error);
    else if (has_result && (result > INT32_MAX || result < INT32_MIN))
        add_pointer(out, (uint64_t)result);
    else if (has_result)
        g_string_append_printf(out, "%" G_GINT64_FORMAT, result);
    else
        g_string_append_c(out, '?');
    return g_string_free(out, FALSE);
}

void syscall_text_clear(SyscallText *t) {
    for (unsigned i = 0; i < SYSCALL_ARGS; i++)
        g_clear_pointer(&t->parts[i], g_free);
}
