/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plugins written for QEMU: loading them, and what they are told. */
#include <dlfcn.h>
#include <string.h>

#include "analyses/qemu-plugin/qemu_private.h"

typedef int InstallFn(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv);

/* -- life ------------------------------------------------------------------------------------------------ */

static bool qemu_check(Plugin *p, GError **error) {
    const int *version = dlsym(p->object, "qemu_plugin_version");
    if (!dlsym(p->object, "qemu_plugin_install"))
        return false;
    if (version && *version >= QEMU_MIN_VERSION && *version <= QEMU_PLUGIN_VERSION)
        return true;
    if (!version)
        g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_OPTION,
                    "--plugin %s: it does not say for which version of QEMU's plugin interface it was built",
                    p->file);
    else
        g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_OPTION,
                    "--plugin %s: built for version %d of QEMU's plugin interface, which is too %s: rr-emu "
                    "has %d to %d",
                    p->file, *version, *version < QEMU_MIN_VERSION ? "old" : "new", QEMU_MIN_VERSION,
                    QEMU_PLUGIN_VERSION);
    return false;
}

static const char *const event_names[] = {
#define X(name, text) text,
    QEMU_EVENTS(X)
#undef X
};

static void call_vcpu(Plugin *p, QemuEvent event, const Hart *hart) {
    QemuPlugin *q = p->state;
    QemuCallback *cb = &q->callbacks[event];
    if (!cb->fn.vcpu)
        return;
    PluginFrame former = plugin_enter(p, event_names[event], hart);
    cb->fn.vcpu(p->id, hart->id);
    plugin_leave(p, former);
}

static void on_translate(void *opaque, ProbeBlock *b) {
    Plugin *p = opaque;
    QemuPlugin *q = p->state;
    if (!q->callbacks[QEMU_EV_TB_TRANS].fn.trans)
        return;
    size_t n = probe_block_n_insns(b);
    if (n > q->tb.room) {
        q->tb.room = n;
        q->tb.insns = g_renew(struct qemu_plugin_insn, q->tb.insns, n);
    }
    for (size_t i = 0; i < n; i++)
        q->tb.insns[i] = (struct qemu_plugin_insn){&q->tb, (uint32_t)i};
    q->tb.plugin = p;
    q->tb.block = b;
    q->tb.n = n;
    PluginFrame former = plugin_enter(p, "vcpu_tb_trans", plugin_hart(p->host));
    q->callbacks[QEMU_EV_TB_TRANS].fn.trans(p->id, &q->tb);
    plugin_leave(p, former);
    q->tb.block = NULL;
}

static void on_idle(void *opaque, Pos pos, const Hart *hart, bool waits) {
    call_vcpu(opaque, waits ? QEMU_EV_VCPU_IDLE : QEMU_EV_VCPU_RESUME, hart);
}

static void on_flushed(void *opaque) {
    Plugin *p = opaque;
    QemuPlugin *q = p->state;
    if (!q->callbacks[QEMU_EV_FLUSH].fn.simple)
        return;
    PluginFrame former = plugin_enter(p, "flush", NULL);
    q->callbacks[QEMU_EV_FLUSH].fn.simple(p->id);
    plugin_leave(p, former);
}

static const HookOps qemu_hooks = {.translate = on_translate, .idle = on_idle, .flushed = on_flushed};

static bool qemu_install(Plugin *p, GError **error) {
    QemuPlugin *q = g_new0(QemuPlugin, 1);
    Machine *m = p->host->machine;
    InstallFn *install = (InstallFn *)(uintptr_t)dlsym(p->object, "qemu_plugin_install");
    qemu_info_t info = {.target_name = "riscv64",
                        .version = {QEMU_MIN_VERSION, QEMU_PLUGIN_VERSION},
                        .system_emulation = true,
                        .system = {(int)m->n_harts, (int)m->n_harts}};
    p->state = q;
    q->scoreboards = g_ptr_array_new_with_free_func(g_free);
    /* QEMU takes arg=WORD for WORD. */
    int argc = (int)g_strv_length(p->words);
    g_autofree char **argv = g_new0(char *, (size_t)argc + 1);
    for (int i = 0; i < argc; i++)
        argv[i] = g_str_has_prefix(p->words[i], "arg=") ? p->words[i] + 4 : p->words[i];
    hooks_subscribe(m->hooks, &qemu_hooks, p);
    q->subscribed = true;
    PluginFrame former = plugin_enter(p, "install", NULL);
    int status = install(p->id, &info, argc, argv);
    plugin_leave(p, former);
    if (status) {
        g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_OPTION, "--plugin %s: it refused to start (%d)",
                    p->file, status);
        return false;
    }
    for (uint32_t i = 0; i < m->n_harts; i++)
        call_vcpu(p, QEMU_EV_VCPU_INIT, m->harts[i]);
    return true;
}

static void unsubscribe(Plugin *p) {
    QemuPlugin *q = p->state;
    if (q->subscribed)
        hooks_unsubscribe(p->host->machine->hooks, p);
    q->subscribed = false;
}

static bool qemu_end(Plugin *p, bool complete, GError **error) {
    QemuPlugin *q = p->state;
    QemuCallback *cb = &q->callbacks[QEMU_EV_ATEXIT];
    unsubscribe(p);
    if (cb->fn.udata) {
        PluginFrame former = plugin_enter(p, "atexit", NULL);
        cb->fn.udata(p->id, cb->userdata);
        plugin_leave(p, former);
    }
    return true;
}

static void qemu_free(Plugin *p) {
    QemuPlugin *q = p->state;
    unsubscribe(p);
    g_ptr_array_unref(q->scoreboards);
    g_free(q->tb.insns);
    g_free(q);
}

const PluginKind plugin_kind_qemu = {
    .name = "qemu", .check = qemu_check, .install = qemu_install, .end = qemu_end, .free = qemu_free};

/* -- registration ---------------------------------------------------------------------------------------- */

Plugin *qemu_plugin_by_id(qemu_plugin_id_t id) {
    PluginHost *host = plugin_host();
    return host && id >= 1 && id <= host->plugins->len ? g_ptr_array_index(host->plugins, id - 1) : NULL;
}

QemuPlugin *qemu_current(void) {
    PluginHost *host = plugin_host();
    Plugin *p = host ? plugin_current(host, NULL) : NULL;
    return p ? p->state : NULL;
}

static void set_callback(qemu_plugin_id_t id, QemuEvent event, void *fn, void *userdata) {
    Plugin *p = qemu_plugin_by_id(id);
    if (!p || p->uninstalled)
        return;
    QemuCallback *cb = &((QemuPlugin *)p->state)->callbacks[event];
    cb->fn.any = fn;
    cb->userdata = userdata;
    if (event == QEMU_EV_TB_TRANS)
        hooks_retranslate(p->host->machine->hooks);
}

#define SETTER(function, type, event)                                                                        \
    void function(qemu_plugin_id_t id, type cb) {                                                            \
        set_callback(id, event, (void *)(uintptr_t)cb, NULL);                                                \
    }
SETTER(qemu_plugin_register_vcpu_init_cb, qemu_plugin_vcpu_simple_cb_t, QEMU_EV_VCPU_INIT)
SETTER(qemu_plugin_register_vcpu_exit_cb, qemu_plugin_vcpu_simple_cb_t, QEMU_EV_VCPU_EXIT)
SETTER(qemu_plugin_register_vcpu_idle_cb, qemu_plugin_vcpu_simple_cb_t, QEMU_EV_VCPU_IDLE)
SETTER(qemu_plugin_register_vcpu_resume_cb, qemu_plugin_vcpu_simple_cb_t, QEMU_EV_VCPU_RESUME)
SETTER(qemu_plugin_register_vcpu_tb_trans_cb, qemu_plugin_vcpu_tb_trans_cb_t, QEMU_EV_TB_TRANS)
SETTER(qemu_plugin_register_flush_cb, qemu_plugin_simple_cb_t, QEMU_EV_FLUSH)

void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, qemu_plugin_udata_cb_t cb, void *userdata) {
    set_callback(id, QEMU_EV_ATEXIT, (void *)(uintptr_t)cb, userdata);
}

/* A whole system has no system calls of a process to report. */
void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_syscall_cb_t cb) {}
void qemu_plugin_register_vcpu_syscall_ret_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_syscall_ret_cb_t cb) {}

/* What was attached to code is dead from now on; the code is made anew before long. */
static void forget(Plugin *p) {
    QemuPlugin *q = p->state;
    memset(q->callbacks, 0, sizeof q->callbacks);
    p->generation++;
    p->host->any_reset = true;
    hooks_retranslate(p->host->machine->hooks);
}

void qemu_plugin_reset(qemu_plugin_id_t id, qemu_plugin_simple_cb_t cb) {
    Plugin *p = qemu_plugin_by_id(id);
    if (!p || p->uninstalled)
        return;
    forget(p);
    cb(id);
}

void qemu_plugin_uninstall(qemu_plugin_id_t id, qemu_plugin_simple_cb_t cb) {
    Plugin *p = qemu_plugin_by_id(id);
    if (!p || p->uninstalled)
        return;
    forget(p);
    p->uninstalled = true;
    cb(id);
}

/* -- attaching to code ----------------------------------------------------------------------------------- */

typedef struct Attached {
    PluginCode code;
    union {
        qemu_plugin_vcpu_udata_cb_t exec;
        qemu_plugin_vcpu_mem_cb_t mem;
    } fn;
    void *userdata;
} Attached;

static Attached *attach(const struct qemu_plugin_tb *tb, const char *callback,
                        enum qemu_plugin_cb_flags flags, void *userdata) {
    Attached *a = probe_block_alloc(tb->block, sizeof *a);
    a->code = (PluginCode){tb->plugin, callback, tb->plugin->generation, flags != QEMU_PLUGIN_CB_NO_REGS};
    a->userdata = userdata;
    return a;
}

static void run_exec(void *data, const Hart *hart) {
    const Attached *a = data;
    PluginHost *host = a->code.plugin->host;
    if (plugin_code_is_dead(host, &a->code))
        return;
    host->code = &a->code;
    a->fn.exec(hart->id, a->userdata);
    host->code = NULL;
}

enum { INFO_SIZE_MASK = 7, INFO_SIGNED = 8, INFO_STORE = 16 };

static void run_mem(void *data, const Hart *hart, const ProbeAccess *access) {
    const Attached *a = data;
    PluginHost *host = a->code.plugin->host;
    if (plugin_code_is_dead(host, &a->code))
        return;
    host->code = &a->code;
    host->access = access;
    qemu_plugin_meminfo_t info =
        access->size | (access->is_signed ? INFO_SIGNED : 0u) | (access->is_write ? INFO_STORE : 0u);
    a->fn.mem(hart->id, info, access->va, a->userdata);
    host->access = NULL;
    host->code = NULL;
}

static const char *exec_name(uint32_t at) {
    return at == PROBE_AT_BLOCK ? "vcpu_tb_exec" : "vcpu_insn_exec";
}

static void add_exec(struct qemu_plugin_tb *tb, uint32_t at, qemu_plugin_vcpu_udata_cb_t cb,
                     enum qemu_plugin_cb_flags flags, void *userdata) {
    Attached *a = attach(tb, exec_name(at), flags, userdata);
    a->fn.exec = cb;
    probe_add_call(tb->block, at, run_exec, a, a->code.regs);
}

static uint32_t counter_of(qemu_plugin_u64 entry) {
    return entry.score->counter + (uint32_t)entry.offset;
}

static void add_exec_if(struct qemu_plugin_tb *tb, uint32_t at, qemu_plugin_vcpu_udata_cb_t cb,
                        enum qemu_plugin_cb_flags flags, enum qemu_plugin_cond cond, qemu_plugin_u64 entry,
                        uint64_t imm, void *userdata) {
    static const uint8_t conds[] = {
        [QEMU_PLUGIN_COND_EQ] = PROBE_EQ, [QEMU_PLUGIN_COND_NE] = PROBE_NE, [QEMU_PLUGIN_COND_LT] = PROBE_LT,
        [QEMU_PLUGIN_COND_LE] = PROBE_LE, [QEMU_PLUGIN_COND_GT] = PROBE_GT, [QEMU_PLUGIN_COND_GE] = PROBE_GE};
    if (cond == QEMU_PLUGIN_COND_NEVER)
        return;
    if (cond == QEMU_PLUGIN_COND_ALWAYS) {
        add_exec(tb, at, cb, flags, userdata);
        return;
    }
    Attached *a = attach(tb, exec_name(at), flags, userdata);
    a->fn.exec = cb;
    probe_add_call_if(tb->block, at, conds[cond], counter_of(entry), imm, run_exec, a, a->code.regs);
}

static ProbeOp op_of(enum qemu_plugin_op op) {
    return op == QEMU_PLUGIN_INLINE_ADD_U64 ? PROBE_ADD : PROBE_STORE;
}

static unsigned access_of(enum qemu_plugin_mem_rw rw) {
    G_STATIC_ASSERT((int)QEMU_PLUGIN_MEM_R == PROBE_READ && (int)QEMU_PLUGIN_MEM_W == PROBE_WRITE);
    return rw & QEMU_PLUGIN_MEM_RW;
}

void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, qemu_plugin_vcpu_udata_cb_t cb,
                                          enum qemu_plugin_cb_flags flags, void *userdata) {
    add_exec(tb, PROBE_AT_BLOCK, cb, flags, userdata);
}

void qemu_plugin_register_vcpu_tb_exec_cond_cb(struct qemu_plugin_tb *tb, qemu_plugin_vcpu_udata_cb_t cb,
                                               enum qemu_plugin_cb_flags flags, enum qemu_plugin_cond cond,
                                               qemu_plugin_u64 entry, uint64_t imm, void *userdata) {
    add_exec_if(tb, PROBE_AT_BLOCK, cb, flags, cond, entry, imm, userdata);
}

void qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(struct qemu_plugin_tb *tb, enum qemu_plugin_op op,
                                                       qemu_plugin_u64 entry, uint64_t imm) {
    probe_add_inline(tb->block, PROBE_AT_BLOCK, op_of(op), counter_of(entry), imm);
}

void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, qemu_plugin_vcpu_udata_cb_t cb,
                                            enum qemu_plugin_cb_flags flags, void *userdata) {
    add_exec(insn->tb, insn->index, cb, flags, userdata);
}

void qemu_plugin_register_vcpu_insn_exec_cond_cb(struct qemu_plugin_insn *insn,
                                                 qemu_plugin_vcpu_udata_cb_t cb,
                                                 enum qemu_plugin_cb_flags flags, enum qemu_plugin_cond cond,
                                                 qemu_plugin_u64 entry, uint64_t imm, void *userdata) {
    add_exec_if(insn->tb, insn->index, cb, flags, cond, entry, imm, userdata);
}

void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(struct qemu_plugin_insn *insn,
                                                         enum qemu_plugin_op op, qemu_plugin_u64 entry,
                                                         uint64_t imm) {
    probe_add_inline(insn->tb->block, insn->index, op_of(op), counter_of(entry), imm);
}

void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, qemu_plugin_vcpu_mem_cb_t cb,
                                      enum qemu_plugin_cb_flags flags, enum qemu_plugin_mem_rw rw,
                                      void *userdata) {
    Attached *a = attach(insn->tb, "vcpu_mem", flags, userdata);
    a->fn.mem = cb;
    probe_add_mem(insn->tb->block, insn->index, access_of(rw), run_mem, a, a->code.regs);
}

void qemu_plugin_register_vcpu_mem_inline_per_vcpu(struct qemu_plugin_insn *insn, enum qemu_plugin_mem_rw rw,
                                                   enum qemu_plugin_op op, qemu_plugin_u64 entry,
                                                   uint64_t imm) {
    probe_add_mem_inline(insn->tb->block, insn->index, access_of(rw), op_of(op), counter_of(entry), imm);
}

/* -- accesses -------------------------------------------------------------------------------------------- */

unsigned int qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t info) {
    return info & INFO_SIZE_MASK;
}
bool qemu_plugin_mem_is_sign_extended(qemu_plugin_meminfo_t info) {
    return info & INFO_SIGNED;
}
bool qemu_plugin_mem_is_big_endian(qemu_plugin_meminfo_t info) {
    return false;
}
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t info) {
    return info & INFO_STORE;
}

/* A block of zeros is shown as its last eight bytes would be. */
qemu_plugin_mem_value qemu_plugin_mem_get_value(qemu_plugin_meminfo_t info) {
    const ProbeAccess *access = plugin_host()->access;
    qemu_plugin_mem_value value = {.type = QEMU_PLUGIN_MEM_VALUE_U64};
    value.data.u64 = access ? access->value : 0;
    switch (qemu_plugin_mem_size_shift(info)) {
    case 0:
        value.type = QEMU_PLUGIN_MEM_VALUE_U8;
        value.data.u8 = (uint8_t)value.data.u64;
        break;
    case 1:
        value.type = QEMU_PLUGIN_MEM_VALUE_U16;
        value.data.u16 = (uint16_t)value.data.u64;
        break;
    case 2:
        value.type = QEMU_PLUGIN_MEM_VALUE_U32;
        value.data.u32 = (uint32_t)value.data.u64;
        break;
    default: break;
    }
    return value;
}

struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(qemu_plugin_meminfo_t info, uint64_t vaddr) {
    PluginHost *host = plugin_host();
    bool is_ram;
    if (!host || !host->code || !host->access || host->code->plugin->kind != &plugin_kind_qemu)
        return NULL;
    QemuPlugin *q = host->code->plugin->state;
    if (!probe_access_paddr(plugin_hart(host), host->access, &q->hwaddr.pa, &is_ram))
        return NULL;
    q->hwaddr.is_io = !is_ram;
    q->hwaddr.name = is_ram ? "RAM" : plugin_device_name(host->machine, q->hwaddr.pa);
    return &q->hwaddr;
}

bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr *haddr) {
    return haddr && haddr->is_io;
}
uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *haddr) {
    return haddr ? haddr->pa : 0;
}
const char *qemu_plugin_hwaddr_device_name(const struct qemu_plugin_hwaddr *h) {
    return h && h->name ? h->name : "Invalid";
}
