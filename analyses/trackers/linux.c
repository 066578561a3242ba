/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/trackers/linux.h"

#include <string.h>

#include "analyses/symbols/btf.h"
#include "analyses/trackers/peek.h"

#define BTF_MAX (64u << 20)
#define TASK_MAX 16384u      /* bytes of a task_struct that are searched */
#define STACK_DEFAULT 16384u /* THREAD_SIZE of 64-bit kernels */
#define STACK_MAX (1u << 18)
#define KERNEL_HALF ((Gva)1 << 63)

typedef struct Layout {
    uint32_t pid, tgid, comm, stack, real_parent;
    bool has_ids, has_parent, has_comm, has_stack;
} Layout;

struct Linux {
    Gva switch_low, switch_high, init_task, btf_start, btf_stop;
    uint64_t stack_size;
    Layout layout;
    bool learned;
};

/* Of the kernel's half of the address space. */
static Gva symbol_value(Store *store, const char *column, const char *name) {
    g_autofree char *sql =
        g_strdup_printf("SELECT %s FROM symbol WHERE name = ? AND addr < 0 LIMIT 1", column);
    return (Gva)store_get_int(store, sql, 0, "s", name);
}

static bool is_power_of_2(uint64_t n) {
    return n && !(n & (n - 1));
}

Linux *linux_new(Store *store) {
    Gva low = symbol_value(store, "addr", "__switch_to"), init = symbol_value(store, "addr", "init_task");
    if (!low || !init)
        return NULL;
    Linux *l = g_new0(Linux, 1);
    l->switch_low = low;
    l->switch_high = low + symbol_value(store, "size", "__switch_to");
    l->init_task = init;
    l->btf_start = symbol_value(store, "addr", "__start_BTF");
    l->btf_stop = symbol_value(store, "addr", "__stop_BTF");
    l->stack_size = symbol_value(store, "size", "init_stack");
    if (!is_power_of_2(l->stack_size) || l->stack_size < PAGE_SIZE || l->stack_size > STACK_MAX)
        l->stack_size = STACK_DEFAULT;
    return l;
}

void linux_free(Linux *l) {
    g_free(l);
}

void linux_switch_range(const Linux *l, Gva *low, Gva *high) {
    *low = l->switch_low;
    *high = l->switch_high;
}

/* -- the layout ------------------------------------------------------------------------------------------ */
static void layout_from_btf(Layout *y, const uint8_t *data, size_t size) {
    Btf *btf = btf_new(data, size);
    if (!btf)
        return;
    y->has_ids =
        btf_member(btf, "task_struct", "pid", &y->pid) && btf_member(btf, "task_struct", "tgid", &y->tgid);
    y->has_parent = btf_member(btf, "task_struct", "real_parent", &y->real_parent);
    y->has_comm = btf_member(btf, "task_struct", "comm", &y->comm);
    y->has_stack = btf_member(btf, "task_struct", "stack", &y->stack);
    btf_free(btf);
}

/* The first task is called swapper. */
static void layout_from_init_task(Layout *y, const uint8_t *data, size_t size) {
    static const char name[] = "swapper";
    const uint8_t *at = memmem(data, size, name, sizeof name - 1);
    y->has_comm = at != NULL;
    y->comm = at ? (uint32_t)(at - data) : 0;
}

void linux_learn(Linux *l, const Hart *hart) {
    uint64_t size = l->btf_stop - l->btf_start;
    if (l->learned)
        return;
    if (l->btf_start && l->btf_stop && size <= BTF_MAX) {
        g_autofree uint8_t *data = g_malloc(size);
        if (!peek_read(hart, l->btf_start, data, size))
            return;
        layout_from_btf(&l->layout, data, size);
    }
    if (!l->layout.has_comm) {
        uint8_t data[TASK_MAX];
        layout_from_init_task(&l->layout, data, peek_some(hart, l->init_task, data, sizeof data));
    }
    l->learned = l->layout.has_comm;
}

static int32_t read_parent(const Layout *y, const Hart *hart, Gva address) {
    uint64_t parent;
    uint32_t pid;
    if (!y->has_ids || !y->has_parent || !peek_u64(hart, address + y->real_parent, &parent) ||
        parent < KERNEL_HALF || parent % 8 || !peek_u32(hart, parent + y->tgid, &pid))
        return 0;
    return (int32_t)pid;
}

/* -- tasks ----------------------------------------------------------------------------------------------- */
/* Its 0 is within its bytes, and before it there are no control characters. */
static bool read_name(const Linux *l, const Hart *hart, Gva address, char *name) {
    if (!peek_read(hart, address + l->layout.comm, name, LINUX_COMM))
        return false;
    for (unsigned i = 0; i < LINUX_COMM; i++) {
        if (!name[i])
            return i > 0;
        if ((uint8_t)name[i] < ' ')
            return false;
    }
    return false;
}

bool linux_read_task(const Linux *l, const Hart *hart, Gva address, LinuxTask *to) {
    const Layout *y = &l->layout;
    uint32_t pid = 0, tid = 0;
    *to = (LinuxTask){0};
    if (address < KERNEL_HALF || address % 8 || !y->has_comm || !read_name(l, hart, address, to->name))
        return false;
    if (y->has_ids && (!peek_u32(hart, address + y->pid, &tid) || !peek_u32(hart, address + y->tgid, &pid)))
        return false;
    to->has_ids = y->has_ids;
    to->pid = (int32_t)pid;
    to->tid = (int32_t)tid;
    to->parent = read_parent(y, hart, address);
    if (y->has_stack && peek_u64(hart, address + y->stack, &to->stack_base) && to->stack_base >= KERNEL_HALF)
        to->stack_size = l->stack_size;
    return true;
}
