/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/symbols/programs.h"

#include <string.h>

#include "analyses/symbols/kernel_modules.h"
#include "analyses/trackers/peek.h"
#include "analyses/symbols/process_files.h"
#include "analyses/symbols/program_file.h"
#include "analyses/store/spaces.h"

#define SP 2u
#define PATH_LONGEST 4096u
#define STACK_WORDS (1u << 20) /* of arguments and environment */
#define AUX_PAIRS 64u
#define SCRIPTS_MAX 4u
#define USER_SIZE ((uint64_t)1 << 63)

/* The auxiliary vector's types (Linux, include/uapi/linux/auxvec.h). */
enum { AT_NULL = 0, AT_PHDR = 3, AT_BASE = 7, AT_EXECFN = 31 };
enum { NR_MUNMAP = 215, NR_MREMAP = 216, NR_MMAP = 222 };
enum { MREMAP_DONTUNMAP = 4 };
enum { PROT_EXECUTE = 4, MAP_ANONYMOUSLY = 0x20 };

typedef struct Mapping {
    uint64_t addr, size, shift;
    int64_t module; /* 0: nothing */
    const ProgramFile *file;
} Mapping;

typedef struct Space {
    uint64_t key;
    int64_t pid;
    GArray *mappings; /* of Mapping, the later ones count */
    char *path;       /* of the program, for /proc/self/exe */
    int64_t program;  /* its module */
} Space;

struct Programs {
    Machine *machine;
    Store *store;
    SyscallTrack *calls;
    Tasks *tasks;
    KernelModules *modules; /* NULL: not Linux */
    char *root;             /* NULL: only they are followed */
    GHashTable *files;      /* path → ProgramFile or NULL */
    uint64_t n_files;       /* of those that are one */
    GHashTable *spaces;     /* key → Space */
    GHashTable *processes;  /* pid → Space, which `spaces` owns */
    GHashTable *known;      /* task id → Space */
    ProcessFiles *opened;
    const Space *running[MACHINE_MAX_HARTS]; /* since the last return to a program */
    StoreStmt *insert_map, *insert_space;
    bool subscribed;
    GError *error; /* the database's first */
};

static void space_free(void *p) {
    Space *s = p;
    g_array_unref(s->mappings);
    g_free(s->path);
    g_free(s);
}

Programs *programs_new(Machine *m, Store *store, const char *sysroot) {
    Programs *p = g_new0(Programs, 1);
    p->machine = m;
    p->store = store;
    p->tasks = tasks_new(m, store);
    p->calls = syscall_track_new(m, p->tasks);
    p->root = g_strdup(sysroot);
    p->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, program_file_free);
    p->spaces = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, space_free);
    p->processes = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    p->known = g_hash_table_new(NULL, NULL);
    p->opened = process_files_new();
    return p;
}

static void unsubscribe(Programs *p) {
    if (!p->subscribed)
        return;
    hooks_unsubscribe(p->machine->hooks, p);
    syscall_track_end(p->calls);
    tasks_end(p->tasks, machine_pos(p->machine));
    p->subscribed = false;
}

void programs_free(Programs *p) {
    if (!p)
        return;
    unsubscribe(p);
    kernel_modules_free(p->modules);
    store_stmt_free(p->insert_map);
    store_stmt_free(p->insert_space);
    g_hash_table_unref(p->files);
    g_hash_table_unref(p->processes);
    g_hash_table_unref(p->known);
    g_hash_table_unref(p->spaces);
    process_files_free(p->opened);
    syscall_track_free(p->calls);
    tasks_free(p->tasks);
    g_clear_error(&p->error);
    g_free(p->root);
    g_free(p);
}

/* -- rows ------------------------------------------------------------------------------------------------ */

static void changed(Programs *p) {
    store_get_int(p->store, "SELECT programs_changed()", 0, "");
}

static void insert(Programs *p, const Space *s, const Mapping *m, Pos from) {
    if (p->error)
        return;
    if (m->module)
        store_run(p->insert_map, &p->error, "uuuuiui", s->key, from, m->addr, m->size, m->module, m->shift,
                  s->pid);
    else
        store_run(p->insert_map, &p->error, "uuuunni", s->key, from, m->addr, m->size, s->pid);
}

static void add_mapping(Programs *p, Space *s, Mapping m, Pos from) {
    g_array_append_val(s->mappings, m);
    insert(p, s, &m, from);
}

/* Nothing is there yet, whatever had the page table before. */
static Space *space_begin(Programs *p, uint64_t key, int64_t pid, Pos from) {
    Space *s = g_hash_table_lookup(p->spaces, &key);
    if (!s) {
        s = g_new0(Space, 1);
        s->key = key;
        s->mappings = g_array_new(FALSE, FALSE, sizeof(Mapping));
        g_hash_table_insert(p->spaces, &s->key, s);
    } else if (g_hash_table_lookup(p->processes, &s->pid) == s) {
        g_hash_table_remove(p->processes, &s->pid);
    } /* else that process has executed something since, and is elsewhere */
    s->pid = pid;
    g_array_set_size(s->mappings, 0);
    g_clear_pointer(&s->path, g_free);
    s->program = 0;
    insert(p, s, &(Mapping){.size = USER_SIZE}, from);
    g_hash_table_insert(p->processes, g_memdup2(&pid, sizeof pid), s);
    return s;
}

/* -- files ----------------------------------------------------------------------------------------------- */

static const ProgramFile *file_at(Programs *p, const char *path) {
    gpointer found;
    if (g_hash_table_lookup_extended(p->files, path, NULL, &found))
        return found;
    ProgramFile *f = p->error ? NULL : program_file_new(p->store, p->root, path, &p->error);
    p->n_files += f != NULL;
    g_hash_table_insert(p->files, g_strdup(path), f);
    return f;
}

/* The ELF file that runs when `path` is executed. */
static const ProgramFile *program_at(Programs *p, const char *path) {
    const ProgramFile *f = file_at(p, path);
    for (unsigned i = 0; f && f->script; i++)
        f = i < SCRIPTS_MAX ? file_at(p, f->script) : NULL;
    return f;
}

static void add_parts(Programs *p, Space *s, const ProgramFile *f, uint64_t shift, Pos from) {
    for (guint i = 0; i < f->parts->len; i++) {
        const ProgramPart *part = &g_array_index(f->parts, ProgramPart, i);
        if (part->is_code)
            add_mapping(p, s, (Mapping){part->addr + shift, part->size, shift, f->module, f}, from);
    }
}

/* -- a program begins ------------------------------------------------------------------------------------ */

static char *read_path(const Hart *hart, Gva at) {
    char path[PATH_LONGEST];
    uint64_t n = peek_some(hart, at, path, sizeof path);
    return memchr(path, 0, n) ? g_strdup(path) : NULL;
}

typedef struct Start {
    uint64_t headers, loader, path;
} Start;

/* The stack of a program that has run nothing yet: argc, argv, NULL, environment, NULL, pairs of type and value. */
static bool read_start(const Hart *hart, Start *to) {
    uint64_t word, value;
    Gva at = hart->x[SP];
    *to = (Start){0};
    if (!peek_u64(hart, at, &word) || word > STACK_WORDS)
        return false;
    at += 8 * (word + 1);
    if (!peek_u64(hart, at, &word) || word)
        return false;
    for (unsigned i = 0; i < STACK_WORDS; i++)
        if (!peek_u64(hart, at += 8, &word) || !word)
            break;
    if (word)
        return false;
    for (unsigned i = 0; i < AUX_PAIRS; i++) {
        if (!peek_u64(hart, at += 8, &word) || !peek_u64(hart, at += 8, &value) || word == AT_NULL)
            break;
        if (word == AT_PHDR)
            to->headers = value;
        else if (word == AT_BASE)
            to->loader = value;
        else if (word == AT_EXECFN)
            to->path = value;
    }
    return to->headers && to->path;
}

static int compare_address(gconstpointer a, gconstpointer b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

int64_t programs_on(const Programs *p, const Hart *hart) {
    const Space *s = p ? p->running[hart->id] : NULL;
    return s ? s->program : 0;
}

static const Mapping *mapping_in(const Space *s, Gva addr) {
    for (guint i = s ? s->mappings->len : 0; i-- > 0;) {
        const Mapping *m = &g_array_index(s->mappings, Mapping, i);
        if (addr - m->addr < m->size)
            return m;
    }
    return NULL;
}

static const Mapping *mapping_at(const Programs *p, const Hart *hart, Gva addr) {
    return mapping_in(p ? p->running[hart->id] : NULL, addr);
}

ProgramPlace programs_place(const Programs *p, const Hart *hart, Gva addr) {
    if (addr >> 63) {
        KernelPlace place = p && p->modules ? kernel_modules_place(p->modules, addr) : (KernelPlace){0};
        return (ProgramPlace){place.module, place.shift};
    }
    const Mapping *m = mapping_at(p, hart, addr);
    return m && m->module ? (ProgramPlace){m->module, m->shift} : (ProgramPlace){0};
}

bool programs_function_begins(const Programs *p, const Hart *hart, Gva addr) {
    if (addr >> 63)
        return p && p->modules && kernel_modules_place(p->modules, addr).begins;
    const Mapping *m = mapping_at(p, hart, addr);
    uint64_t linked = m ? addr - m->shift : 0;
    return m && m->file && g_array_binary_search(m->file->functions, &linked, compare_address, NULL);
}

static void program_begins(Programs *p, const Hart *hart, int64_t pid, Pos from) {
    uint64_t key = SPACE_OF_SATP(hart->satp);
    const Space *before = g_hash_table_lookup(p->processes, &pid);
    g_autofree char *own = before ? g_strdup(before->path) : NULL;
    Space *s = space_begin(p, key, pid, from);
    Start start;
    if (!read_start(hart, &start) || !(s->path = read_path(hart, start.path)))
        return;
    if (own && !strcmp(s->path, "/proc/self/exe")) {
        g_free(s->path);
        s->path = g_steal_pointer(&own);
    } else if (!(s->path = process_files_executed(p->opened, pid, s->path)))
        return;
    const ProgramFile *f = program_at(p, s->path);
    if (!f || !f->has_headers)
        return;
    s->program = f->module;
    add_parts(p, s, f, start.headers - f->headers, from);
    const ProgramFile *loader = f->interpreter && start.loader ? file_at(p, f->interpreter) : NULL;
    if (loader && loader->parts->len)
        add_parts(p, s, loader,
                  start.loader - (g_array_index(loader->parts, ProgramPart, 0).addr & PAGE_MASK), from);
}

/* -- tasks ----------------------------------------------------------------------------------------------- */

static int64_t pid_of(const Task *task) {
    return task->has_ids ? task->pid : -(int64_t)task->id;
}

static void copy_space(Programs *p, Space *to, const Space *from, Pos pos) {
    to->path = g_strdup(from->path);
    to->program = from->program;
    for (guint i = 0; i < from->mappings->len; i++)
        add_mapping(p, to, g_array_index(from->mappings, Mapping, i), pos);
}

/* A task runs a program for the first time: as a thread, as a process that was forked, or made by the kernel. */
static void task_begins(Programs *p, const Hart *hart, const Task *task, Pos from) {
    int64_t pid = pid_of(task), parent_pid = task->parent;
    uint64_t key = SPACE_OF_SATP(hart->satp);
    Space *s = g_hash_table_lookup(p->spaces, &key);
    const Space *parent = parent_pid ? g_hash_table_lookup(p->processes, &parent_pid) : NULL;
    if (s && s->pid == pid)
        return;
    process_files_begin(p->opened, pid, parent ? parent_pid : 0);
    if (s && s == parent) /* until it executes something (vfork) */
        return;
    if (!parent) {
        program_begins(p, hart, pid, from);
        return;
    }
    s = space_begin(p, key, pid, from);
    copy_space(p, s, parent, from);
}

static const Space *note_task(Programs *p, const Hart *hart, const Task *task) {
    uint64_t key = SPACE_OF_SATP(hart->satp);
    Space *s = g_hash_table_lookup(p->spaces, &key);
    g_hash_table_insert(p->known, GUINT_TO_POINTER(task->id), s);
    changed(p);
    return s;
}

static void on_trap_return(void *opaque, Pos pos, const Hart *hart, uint8_t from_priv) {
    Programs *p = opaque;
    if (hart->priv != PRIV_U || from_priv != PRIV_S)
        return;
    const Task *task = tasks_current(p->tasks, hart);
    const Space *s = task ? g_hash_table_lookup(p->known, GUINT_TO_POINTER(task->id)) : NULL;
    if (task && !(s && s->key == SPACE_OF_SATP(hart->satp))) {
        task_begins(p, hart, task, pos + 1);
        s = note_task(p, hart, task);
    }
    p->running[hart->id] = s;
}

static void on_satp(void *opaque, Pos pos, const Hart *hart) {
    Programs *p = opaque;
    if (p->error)
        return;
    store_run(p->insert_space, &p->error, "iuu", (int64_t)hart->id, pos + 1, hart->satp);
}

/* -- system calls ---------------------------------------------------------------------------------------- */

static void on_mapped(Programs *p, Space *s, const char *path, const Syscall *c) {
    uint64_t addr = (uint64_t)c->result, offset = c->args[5];
    const ProgramFile *f = file_at(p, path);
    for (guint i = 0; f && i < f->parts->len; i++) {
        const ProgramPart *part = &g_array_index(f->parts, ProgramPart, i);
        if (!part->is_code || offset < (part->offset & PAGE_MASK) || offset >= part->offset + part->file_size)
            continue;
        uint64_t linked = part->addr + (offset - part->offset);
        add_mapping(p, s, (Mapping){addr, c->args[1], addr - linked, f->module, f}, c->exit + 1);
        return;
    }
}

/* What is moved is what lies at its beginning: a file's code is moved as a whole. */
static void on_moved(Programs *p, Space *s, const Syscall *c) {
    uint64_t from = c->args[0], size = c->args[2], to = (uint64_t)c->result;
    const Mapping *found = mapping_in(s, from);
    if (!found || !found->module || from == to)
        return;
    Mapping moved = *found;
    if (!(c->args[3] & MREMAP_DONTUNMAP))
        add_mapping(p, s, (Mapping){.addr = from, .size = c->args[1]}, c->exit + 1);
    moved.addr = to;
    moved.size = size;
    moved.shift += to - from;
    add_mapping(p, s, moved, c->exit + 1);
}

static void on_call(Programs *p, Space *s, const Syscall *c) {
    const char *path;
    switch (c->nr) {
    case NR_MMAP:
        path = process_files_path(p->opened, s->pid, c->args[4]);
        if (path && (c->args[2] & PROT_EXECUTE) && !(c->args[3] & MAP_ANONYMOUSLY))
            on_mapped(p, s, path, c);
        break;
    case NR_MUNMAP: add_mapping(p, s, (Mapping){.addr = c->args[0], .size = c->args[1]}, c->exit + 1); break;
    case NR_MREMAP: on_moved(p, s, c); break;
    default: break;
    }
}

static void on_entered(void *opaque, const Syscall *c, const Hart *hart) {}

static void on_left(void *opaque, const Syscall *c, const Hart *hart) {
    Programs *p = opaque;
    if (!hart || !c->has_result || c->error || !c->task)
        return;
    const Task *task = tasks_get(p->tasks, c->task - 1);
    if (c->new_program) {
        program_begins(p, hart, pid_of(task), c->exit + 1);
        note_task(p, hart, task);
        return;
    }
    process_files_call(p->opened, pid_of(task), c, hart);
    Space *s = g_hash_table_lookup(p->known, GUINT_TO_POINTER(c->task));
    guint before = s ? s->mappings->len : 0;
    if (s)
        on_call(p, s, c);
    if (s && s->mappings->len != before)
        changed(p);
}

/* -- begin and end --------------------------------------------------------------------------------------- */

static const HookOps hook_ops = {.trap_return = on_trap_return, .satp = on_satp};
static const SyscallOps syscall_ops = {on_entered, on_left};

bool programs_begin(Programs *p, GError **error) {
    Pos pos = machine_pos(p->machine);
    if (!tasks_is_linux(p->tasks))
        return true;
    p->modules = kernel_modules_new(p->machine, p->store);
    if (!kernel_modules_begin(p->modules, error))
        return false;
    changed(p);
    if (!p->root)
        return true;
    if (!store_exec(p->store, "DELETE FROM map WHERE satp IS NOT NULL; DELETE FROM space", error) ||
        !store_prepare(p->store,
                       "INSERT INTO map (satp, from_pos, addr, size, module_id, shift, pid) "
                       "VALUES (?, ?, ?, ?, ?, ?, ?)",
                       &p->insert_map, error) ||
        !store_prepare(p->store, "INSERT OR REPLACE INTO space VALUES (?, ?, ?)", &p->insert_space, error))
        return false;
    for (uint32_t i = 0; i < p->machine->n_harts; i++)
        if (!store_run(p->insert_space, error, "iuu", (int64_t)i, pos, p->machine->harts[i]->satp))
            return false;
    tasks_begin(p->tasks);
    syscall_track_watch(p->calls, &syscall_ops, p);
    syscall_track_begin(p->calls);
    hooks_subscribe(p->machine->hooks, &hook_ops, p);
    p->subscribed = true;
    changed(p);
    return true;
}

uint64_t programs_known(const Programs *p) {
    return p->n_files + (p->modules ? kernel_modules_known(p->modules) : 0);
}

bool programs_are_followed(const Programs *p) {
    return p && p->root;
}

void programs_quiet(Programs *p) {
    if (p->modules)
        kernel_modules_quiet(p->modules);
}

bool programs_end(Programs *p, GError **error) {
    unsubscribe(p);
    changed(p);
    memset(p->running, 0, sizeof p->running);
    if (p->modules)
        kernel_modules_end(p->modules, p->error ? NULL : &p->error);
    if (!p->error)
        return true;
    g_propagate_error(error, g_steal_pointer(&p->error));
    return false;
}
