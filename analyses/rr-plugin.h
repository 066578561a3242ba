/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rr-emu's plugin interface, the whole of it. A plugin is a shared object that defines `rr_plugin`; it
 * observes a replay of a RISC-V machine: `rr-emu replay RECORDING --plugin ./FILE.so[,key=value]…`.
 * docs/plugins.md is the manual.
 *
 * A plugin only observes: nothing here changes the guest, its time or where it goes, and the replay checks
 * the recorded state hashes with every plugin attached. All callbacks come on one thread, in the order of
 * what happens (with replay -j: in each segment). What is passed to a callback is valid during that callback.
 */
#ifndef RR_PLUGIN_H
#define RR_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The version of this interface. Functions and members of RrPlugin are only ever added at the end of a
 * version, and what one does never changes: a plugin runs in every rr-emu whose RR_PLUGIN_VERSION is not less
 * than its own and whose RR_PLUGIN_VERSION_MIN is not greater. What a later version added says so: [2], [3].
 */
#define RR_PLUGIN_VERSION 3
#define RR_PLUGIN_VERSION_MIN 1

#ifndef RR_API
#define RR_API
#endif
#define RR_EXPORT __attribute__((visibility("default")))
#define RR_PRINTF(text, first) __attribute__((format(printf, text, first)))

typedef struct RrSelf RrSelf;   /* one --plugin option: the same file may be given several times */
typedef struct RrHart RrHart;   /* a hart, as it is during a callback */
typedef struct RrBlock RrBlock; /* code that was translated */
typedef struct RrTable RrTable;
typedef struct RrRegister RrRegister; /* [3] which register */
typedef uint32_t RrCounter;           /* a 64-bit number for each hart */

/* -- events ---------------------------------------------------------------------------------------------- */
/* pos: the step (retired instruction, exception or interrupt) that it belongs to, counted over all harts. */
typedef struct RrTrap {
    uint64_t pos;
    const RrHart *hart; /* after the trap was taken */
    bool is_interrupt;
    uint64_t cause, epc, tval;
    unsigned from_priv, to_priv; /* 0 U, 1 S, 3 M */
} RrTrap;

/*
 * With a device: its line, or what the PLIC answers a hart, with the PLIC's source number. Without one (NULL): a line of
 * the hart, with its number in mip; [2] and RR_IRQ_TAKE, after the trap was told, when it takes that interrupt.
 */
typedef enum { RR_IRQ_RAISE, RR_IRQ_TAKE, RR_IRQ_CLAIM, RR_IRQ_COMPLETE, RR_IRQ_LOWER } RrIrqStage;
typedef struct RrIrq {
    uint64_t pos;
    const RrHart *hart; /* NULL: none in particular */
    const char *device; /* NULL: none in particular */
    uint32_t source;
    RrIrqStage stage;
} RrIrq;

typedef struct RrMmio {
    uint64_t pos;
    const RrHart *hart;
    const char *device;
    uint64_t offset, value;
    unsigned size;
    bool is_write;
    const char *reg; /* [3] the register's name; NULL: it has none */
} RrMmio;

typedef struct RrDma {
    uint64_t pos;
    const char *device;
    uint64_t paddr, size;
    const uint8_t *data;
    bool is_write;       /* to guest memory */
    uint64_t submit_pos; /* [2] the step that submitted the request; RR_NO_POS: not known */
} RrDma;
#define RR_NO_POS UINT64_MAX

/* [2] A device took a request from the guest; it is done with it. One device does them in their order. */
typedef struct RrRequest {
    uint64_t pos;
    const char *device;
    bool is_done;
    uint64_t submit_pos; /* as in RrDma */
} RrRequest;

/*
 * [2] Who runs on a hart: of Linux, whose kernel's symbols must be known, a task; else an address space. What is said of
 * it is what is known so far.
 */
typedef struct RrTask {
    uint32_t id; /* 1, 2, …, in the order in which they were first seen: the table task's */
    bool has_ids, has_satp;
    int32_t pid, tid;                /* the process and the thread */
    const char *name;                /* "": not known */
    uint64_t satp;                   /* the program's address space */
    uint64_t address;                /* of its task_struct; 0: not known */
    bool is_linux;                   /* [3] of Linux; else an address space */
    uint64_t first_pos, last_pos;    /* [3] its first and last step, the last one of a turn that is over */
    uint64_t stack_base, stack_size; /* [3] the kernel's stack for it; size 0: not known */
    uint64_t min_sp; /* [3] that stack's lowest pointer, with rr_follow_stacks(); UINT64_MAX: not known */
} RrTask;

typedef struct RrTaskSwitch {
    uint64_t pos, from_pos; /* the hart is the task's from from_pos on */
    const RrHart *hart;
    const RrTask *former, *task;
} RrTaskSwitch;

/* [3] A task had a hart from from_pos to before to_pos. */
typedef struct RrTaskTurn {
    const RrHart *hart;
    const RrTask *task;
    uint64_t from_pos, to_pos;
    uint64_t from_ns, to_ns; /* guest time */
    uint64_t insns;          /* that the hart retired */
    uint64_t idle_ns;        /* of the time, asleep */
} RrTaskTurn;

/* [2] A program's ecall to the kernel that runs in S mode, or the return from it to the program. */
typedef struct RrSyscall {
    uint64_t pos, enter_pos;
    const RrHart *hart; /* after that step */
    const RrTask *task;
    uint64_t id; /* 1, 2, …, in the order of entering */
    uint64_t nr, args[6];
    const char *name; /* of Linux; NULL: not that, or no such number */
    bool has_result;  /* on exit; not of one that will be made again, and of sigreturn */
    int64_t result;
    const char *error; /* "ENOENT"; NULL: none */
    bool new_program;  /* [3] on exit: the task goes on in another program, whose memory this is */
} RrSyscall;

typedef struct RrBytes {
    uint64_t pos, time_ns;
    uint32_t source;  /* console: 0 is the UART */
    const char *kind; /* "console" or the kind of outside input */
    bool to_guest;
    const uint8_t *data;
    size_t size;
} RrBytes;

/* One access, after it was made. Of an atomic operation the load comes first, then the store. */
typedef struct RrAccess {
    uint64_t vaddr, value; /* value: zero-extended */
    unsigned size;         /* bytes; 64: a cache block of zeros */
    bool is_write, is_signed;
    uint64_t paddr;
    const char *device; /* NULL: memory */
} RrAccess;

/* -- what a plugin defines ------------------------------------------------------------------------------- */
typedef enum { RR_OPTION_BOOL, RR_OPTION_INT, RR_OPTION_TEXT, RR_OPTION_CHOICE } RrOptionType;
typedef struct RrOption {
    const char *name; /* NULL ends the list */
    RrOptionType type;
    const char *fallback; /* as it would be given */
    const char
        *choices; /* RR_OPTION_CHOICE: "a|b|c"; [3] others: what lists call the value ("POS"), or NULL */
    const char *help;
} RrOption;

typedef struct RrPlugin {
    uint32_t version; /* RR_PLUGIN_VERSION */
    const char *name; /* of its tables' analysis: letters, digits and _ */
    const char *help;
    const RrOption *options; /* may be NULL */
    bool basic_blocks;       /* rr_on_basic_block() is used */

    /* Before the first step: declare tables and counters. False: refuse to start, having said why by
     * rr_refuse(); nothing else is called then. */
    bool (*install)(RrSelf *self);
    /* The replay is over; complete: it went well. Rows may still be added. */
    void (*end)(RrSelf *self, bool complete);
    /* Nothing comes after this: free what you have. */
    void (*uninstall)(RrSelf *self);

    /* Code was translated: attach to it. The same code may be shown again, at any time. */
    void (*translate)(RrSelf *self, RrBlock *block);
    void (*trap)(RrSelf *self, const RrTrap *event);
    void (*trap_return)(RrSelf *self, uint64_t pos, const RrHart *hart, unsigned from_priv);
    void (*irq)(RrSelf *self, const RrIrq *event);
    void (*satp)(RrSelf *self, uint64_t pos, const RrHart *hart);
    void (*idle)(RrSelf *self, uint64_t pos, const RrHart *hart, bool waits);
    void (*mmio)(RrSelf *self, const RrMmio *event);
    void (*dma)(RrSelf *self, const RrDma *event);
    void (*console)(RrSelf *self, const RrBytes *event);
    void (*input)(RrSelf *self, const RrBytes *event);
    void (*checkpoint)(RrSelf *self, uint64_t pos, uint64_t time_ns, uint64_t hash);

    /* -- since version 2 -- */
    bool tasks; /* rr_task() is used. Telling tasks apart costs a little. */
    /* After the trap or the return that changed it. */
    void (*privilege)(RrSelf *self, uint64_t pos, const RrHart *hart, unsigned from, unsigned to);
    /* Not told of what runs when the observation begins: rr_task() in install says that. */
    void (*task_switch)(RrSelf *self, const RrTaskSwitch *event);
    /* Before the trap is told; calls that never return have no exit. */
    void (*syscall_enter)(RrSelf *self, const RrSyscall *event);
    void (*syscall_exit)(RrSelf *self, const RrSyscall *event);
    void (*request)(RrSelf *self, const RrRequest *event);
    /* The guest resets the machine, which is as it was still; pos goes on. */
    void (*guest_reset)(RrSelf *self, uint64_t pos);

    /* -- since version 3 -- */
    /* When the hart goes over to another task, before the switch is told, and at the end of the replay. */
    void (*task_turn)(RrSelf *self, const RrTaskTurn *event);
    /*
     * `replay -j N`: several processes replay a segment of the run each. Only where merge is not NULL; else, and
     * when the run is short, one process does all of it and these three are not called.
     * In a worker, before and after the callbacks of steps from_pos <= pos < to_pos. Memory and counters are at first as
     * install left them, whatever other segments did. What is found goes into rows, rr_print() and
     * rr_segment_put(): all else ends with the worker.
     */
    void (*segment_begin)(RrSelf *self, uint64_t from_pos);
    void (*segment_end)(RrSelf *self, uint64_t to_pos);
    /* In the first process, before end: what one rr_segment_put() was given, in the order of segments and calls. */
    void (*merge)(RrSelf *self, const void *bytes, size_t size);
} RrPlugin;

extern RR_EXPORT const RrPlugin rr_plugin;

/* -- the instance ---------------------------------------------------------------------------------------- */
RR_API void rr_set_data(RrSelf *self, void *data);
RR_API void *rr_data(const RrSelf *self);
/* Options as given or their fallbacks; asking for one that was not declared ends the program. */
RR_API bool rr_option_bool(const RrSelf *self, const char *name);
RR_API int64_t rr_option_int(const RrSelf *self, const char *name);
RR_API const char *rr_option_text(const RrSelf *self, const char *name);
/* To rr-emu's stderr. */
RR_API void rr_print(const RrSelf *self, const char *text);
/* [3] In install, before it returns false: why. One line, as of printf. */
RR_API void rr_refuse(RrSelf *self, const char *format, ...) RR_PRINTF(2, 3);
/* No callback comes any more, but segment_end, merge, end and uninstall. */
RR_API void rr_stop_observing(RrSelf *self);
/* Forget what was attached to code; all of it is shown again. */
RR_API void rr_reset(RrSelf *self);
/*
 * In install, segment_begin, or such an fn: call fn when the state is that before step `pos`. Positions that have passed are
 * ignored, and those behind the segment that is replayed.
 */
RR_API void rr_at_position(RrSelf *self, uint64_t pos, void (*fn)(RrSelf *self, uint64_t pos));
/* [3] For merge, copied; between segment_begin and segment_end, both included. */
RR_API void rr_segment_put(RrSelf *self, const void *bytes, size_t size);

/* -- code, in translate only ----------------------------------------------------------------------------- */
typedef struct RrInsn {
    uint64_t pc;
    uint32_t bytes; /* little-endian */
    unsigned size;  /* 2 or 4 */
    bool may_load, may_store;
} RrInsn;

RR_API size_t rr_block_insns(const RrBlock *block);
RR_API RrInsn rr_block_insn(const RrBlock *block, size_t index);
RR_API uint64_t rr_block_paddr(const RrBlock *block);
/* The text of the instruction, always terminated; how long it would be. */
RR_API size_t rr_block_disassemble(const RrBlock *block, size_t index, char *to, size_t size);

/* For pointers that callbacks get: memory, cleared, that lives as long as this translation. */
RR_API void *rr_block_alloc(RrBlock *block, size_t size);

typedef void RrExec(RrSelf *self, const RrHart *hart, void *data);
typedef void RrMem(RrSelf *self, const RrHart *hart, const RrAccess *access, void *data);
typedef enum { RR_EQ, RR_NE, RR_LT, RR_LE, RR_GT, RR_GE } RrCond; /* unsigned */
typedef enum { RR_LOADS = 1, RR_STORES = 2, RR_ACCESSES = 3 } RrAccesses;

/*
 * When a basic block is entered: the instruction after a jump, branch (taken or not), trap or return. That is
 * not where translations begin: fn is called when this translation is entered and begins a basic block. Needs
 * RrPlugin.basic_blocks.
 */
RR_API void rr_on_basic_block(RrBlock *block, RrExec *fn, void *data);
/* When the instruction begins, also if it then raises an exception. */
RR_API void rr_on_insn(RrBlock *block, size_t index, RrExec *fn, void *data);
RR_API void rr_on_insn_if(RrBlock *block, size_t index, RrCounter counter, RrCond cond, uint64_t value,
                          RrExec *fn, void *data);
/* After each access that it made. */
RR_API void rr_on_access(RrBlock *block, size_t index, RrAccesses which, RrMem *fn, void *data);
/* Inline: add to the executing hart's counter, or store. */
RR_API void rr_add_on_insn(RrBlock *block, size_t index, RrCounter counter, uint64_t value);
RR_API void rr_store_on_insn(RrBlock *block, size_t index, RrCounter counter, uint64_t value);
RR_API void rr_add_on_access(RrBlock *block, size_t index, RrAccesses which, RrCounter counter,
                             uint64_t value);
RR_API void rr_store_on_access(RrBlock *block, size_t index, RrAccesses which, RrCounter counter,
                               uint64_t value); /* [2] */

/* -- counters -------------------------------------------------------------------------------------------- */
RR_API RrCounter rr_counter_new(RrSelf *self);
RR_API uint64_t rr_counter(const RrSelf *self, RrCounter counter, unsigned hart);
RR_API void rr_counter_set(RrSelf *self, RrCounter counter, unsigned hart, uint64_t value);
RR_API uint64_t rr_counter_sum(const RrSelf *self, RrCounter counter);

/* -- questions, in any callback -------------------------------------------------------------------------- */
RR_API uint64_t rr_pos(const RrSelf *self);
RR_API uint64_t rr_time_ns(const RrSelf *self); /* guest time */
/* [3] Guest time when the step at pos begins, which is the callback's or near it: no hart slept in between. */
RR_API uint64_t rr_time_at(const RrSelf *self, uint64_t pos);
RR_API unsigned rr_harts(const RrSelf *self);
RR_API const RrHart *rr_hart(const RrSelf *self, unsigned index);
RR_API unsigned rr_hart_index(const RrHart *hart);
RR_API uint64_t rr_pc(const RrHart *hart);
RR_API unsigned rr_priv(const RrHart *hart);
/* "a0", "x10", "fa0", "pc", "priv" or the name of a CSR; false: there is none. Reading changes nothing. */
RR_API bool rr_register(const RrHart *hart, const char *name, uint64_t *value);
/* [3] The same without looking for the name each time. The pointer lives as long as the instance; NULL: there is none. */
RR_API const RrRegister *rr_find_register(RrSelf *self, const char *name);
RR_API uint64_t rr_get_register(const RrHart *hart, const RrRegister *reg);
/* Guest memory; false where there is none (devices are never read). */
RR_API bool rr_read_virtual(const RrHart *hart, uint64_t vaddr, void *to, size_t size);
RR_API bool rr_read_physical(const RrSelf *self, uint64_t paddr, void *to, size_t size);
RR_API bool rr_translate(const RrHart *hart, uint64_t vaddr, uint64_t *paddr);
/* The symbol that covers the address, always terminated; false: none. Of a program only with --sysroot, in what the callback's
 * hart runs. */
RR_API bool rr_symbol(const RrSelf *self, uint64_t vaddr, char *to, size_t size);
/* [2] The source line that the code at the address was made from: its number, and the file's path, always terminated;
 * 0: not known. Of a program like rr_symbol(). */
RR_API unsigned rr_line(const RrSelf *self, uint64_t vaddr, char *to, size_t size);
/* [2] Who has the hart; needs RrPlugin.tasks or one of the three events. The pointer lives as long as the instance. */
RR_API const RrTask *rr_task(const RrSelf *self, const RrHart *hart);
/* [3] How many there have been so far; that with the id, NULL: none has it. */
RR_API uint32_t rr_tasks(const RrSelf *self);
RR_API const RrTask *rr_task_by_id(const RrSelf *self, uint32_t id);
/* [3] In install: RrTask.min_sp is wanted. It costs a call for each function that is entered. */
RR_API void rr_follow_stacks(RrSelf *self);

/* -- rows for the database ------------------------------------------------------------------------------- */
/* RR_SYMBOL [3]: given as an address, kept as the text "name+offset" of the symbol there; NULL if there is none. */
typedef enum { RR_INTEGER, RR_ADDRESS, RR_TEXT, RR_BLOB, RR_SYMBOL } RrType;
typedef struct RrColumn {
    const char *name; /* NULL ends the list */
    RrType type;
    bool is_key; /* has an index */
} RrColumn;

typedef struct RrValue {
    union {
        int64_t integer;   /* RR_INTEGER, RR_ADDRESS, RR_SYMBOL */
        const void *bytes; /* RR_TEXT, RR_BLOB; NULL: SQL's NULL */
    };
    size_t size; /* RR_BLOB; [3] RR_NULL: SQL's NULL, of any type; RR_SYMBOL: RR_SYSTEM or 0 */
} RrValue;
#define RR_NULL SIZE_MAX
#define RR_SYSTEM 1 /* the address is not of the program, but of the kernel or of what is below it */

/* [3] Where a row belongs. */
typedef struct RrPlace {
    uint64_t pos, seq;
    uint64_t satp; /* the address space of the callback's hart, in which an RR_SYMBOL lies */
} RrPlace;

/*
 * In install only. The table is called NAME, or NAME_suffix unless suffix is NULL. It begins with the columns pos and
 * seq, which rr-emu fills in: where the callback is.
 */
RR_API RrTable *rr_table(RrSelf *self, const char *suffix, const RrColumn *columns);
/* [3] A table without these two columns: what is told of the whole replay, or of a time. */
RR_API RrTable *rr_plain_table(RrSelf *self, const char *suffix, const RrColumn *columns);
/* values: one for each column; copied. */
RR_API void rr_row(RrTable *table, const RrValue *values);
/* [3] Take the place of one row now, and write the row later, in any order. */
RR_API RrPlace rr_place(RrSelf *self);
RR_API void rr_row_at(RrTable *table, const RrPlace *place, const RrValue *values);

/* -- recordings ------------------------------------------------------------------------------------------ */
/*
 * [3] What there is too much of for a call each, rr-emu records by itself, as fast as its own analyses do, which are
 * plugins that call this. A recording makes the tables that docs/sql.md describes under the names of those analyses, with
 * their views, in the order of (pos, seq) that all rows have:
 *
 *                            table, if it is called NAME           its settings, as the options of --analysis …
 *   RR_RECORD_ACCESSES       NAME NAME_write                       memtrace: ptw storage window
 *   RR_RECORD_INSTRUCTIONS   NAME                                  insn: storage first last pc symbol
 *   RR_RECORD_REGISTERS      NAME                                  regs: regs every storage first last pc symbol
 *   RR_RECORD_BLOCKS         NAME_block NAME_edge NAME_cover       blocks: storage
 *   RR_RECORD_FUNCTIONS      NAME_func                             funcs: none
 *   RR_RECORD_CALLS          NAME_call                             calls: insns symbol first last storage
 */
typedef enum {
    RR_RECORD_ACCESSES,
    RR_RECORD_INSTRUCTIONS,
    RR_RECORD_REGISTERS,
    RR_RECORD_BLOCKS,
    RR_RECORD_FUNCTIONS,
    RR_RECORD_CALLS
} RrRecording;

typedef struct RrSetting {
    const char *name; /* NULL ends the list */
    const char *value;
} RrSetting;

/*
 * In install only; several times, also of one kind, as long as no two tables of the plugin get the same name. NAME is that of
 * the plugin's tables, or with _suffix behind it unless suffix is NULL. settings: NULL, or those that are not to be as they
 * are without the option; copied. All of the replay is recorded, whatever rr_stop_observing() says, and the rows count as
 * the plugin's. A replay by several workers is refused.
 *
 * False: it cannot be done (a value that makes no sense, a symbol that there is not). Then the plugin does not start,
 * whatever install returns, and rr-emu says why. A setting that there is not ends the program.
 */
RR_API bool rr_record(RrSelf *self, RrRecording what, const char *suffix, const RrSetting *settings);

#ifdef __cplusplus
}
#endif
#endif
