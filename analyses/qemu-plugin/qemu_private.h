/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's plugin interface: what its parts share. events.c calls plugins, api.c answers them. */
#ifndef ANALYSES_QEMU_PRIVATE_H
#define ANALYSES_QEMU_PRIVATE_H

#define QEMU_PLUGIN_API __attribute__((visibility("default")))
#include "analyses/plugin/private.h"
#include "analyses/qemu-plugin/qemu-plugin.h"

#define QEMU_MIN_VERSION 2

/* Events with at most one callback per plugin. X(NAME, name in messages) */
#define QEMU_EVENTS(X)                                                                                       \
    X(VCPU_INIT, "vcpu_init")                                                                                \
    X(VCPU_EXIT, "vcpu_exit")                                                                                \
    X(VCPU_IDLE, "vcpu_idle")                                                                                \
    X(VCPU_RESUME, "vcpu_resume")                                                                            \
    X(TB_TRANS, "vcpu_tb_trans")                                                                             \
    X(FLUSH, "flush")                                                                                        \
    X(ATEXIT, "atexit")

typedef enum {
#define X(name, text) QEMU_EV_##name,
    QEMU_EVENTS(X)
#undef X
        QEMU_N_EVENTS
} QemuEvent;

typedef struct QemuCallback {
    union {
        qemu_plugin_simple_cb_t simple;
        qemu_plugin_vcpu_simple_cb_t vcpu;
        qemu_plugin_vcpu_tb_trans_cb_t trans;
        qemu_plugin_udata_cb_t udata;
        void *any;
    } fn;
    void *userdata;
} QemuCallback;

struct qemu_plugin_insn {
    struct qemu_plugin_tb *tb;
    uint32_t index;
};

struct qemu_plugin_tb {
    Plugin *plugin;
    ProbeBlock *block;
    struct qemu_plugin_insn *insns;
    size_t n, room;
};

struct qemu_plugin_hwaddr {
    Gpa pa;
    bool is_io;
    const char *name;
};

struct qemu_plugin_scoreboard {
    uint32_t counter; /* offset in every hart's scoreboard */
    size_t size;
    char *elements[MACHINE_MAX_HARTS];
};

typedef struct QemuPlugin {
    QemuCallback callbacks[QEMU_N_EVENTS];
    struct qemu_plugin_tb tb; /* being shown */
    struct qemu_plugin_hwaddr hwaddr;
    GPtrArray *scoreboards;
    bool subscribed;
} QemuPlugin;

/* The plugin with this id, or the one being called; NULL when there is none. */
Plugin *qemu_plugin_by_id(qemu_plugin_id_t id);
QemuPlugin *qemu_current(void);

#endif
