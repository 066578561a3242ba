/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's bindings for what exists here, in QEMU's order: Linux numbers virtio devices by their order in the
 * tree. Trees are written front to back with libfdt's sequential interface into a buffer that grows until
 * they fit.
 */
#include "core/devicetree.h"

#include <libfdt.h>
#include <string.h>
#include "core/memmap.h"

#define FDT_MAX_CELLS (4 * MACHINE_MAX_HARTS)
#define FDT_SLACK 1024 /* for properties added to a user's tree, besides the command line */

/* Handles are given out like QEMU's: from the last hart down, each its cpu and then its interrupt controller.
 */
static uint32_t fdt_cpu_handle(const Machine *m, unsigned hart) {
    return 2 * (m->n_harts - 1 - hart) + 1;
}

static uint32_t fdt_intc_handle(const Machine *m, unsigned hart) {
    return fdt_cpu_handle(m, hart) + 1;
}

static uint32_t fdt_plic_handle(const Machine *m) {
    return 2 * m->n_harts + 1;
}

static uint32_t fdt_test_handle(const Machine *m) {
    return 2 * m->n_harts + 2;
}

/* -- writing --------------------------------------------------------------------------------------------- */

/* libfdt remembers no error across calls; this does, so that the tree below reads as a tree. */
typedef struct FdtWriter {
    void *buffer;
    int size;
    int bad; /* first error, 0 if none */
} FdtWriter;

static void put_result(FdtWriter *w, int result) {
    if (w->bad == 0)
        w->bad = result;
}

static void put_begin(FdtWriter *w, const char *name) {
    put_result(w, fdt_begin_node(w->buffer, name));
}

G_GNUC_PRINTF(2, 3)
static void put_begin_format(FdtWriter *w, const char *format, ...) {
    va_list args;

    va_start(args, format);
    g_autofree char *name = g_strdup_vprintf(format, args);
    va_end(args);
    put_begin(w, name);
}

static void put_end(FdtWriter *w) {
    put_result(w, fdt_end_node(w->buffer));
}

static void put_flag(FdtWriter *w, const char *name) {
    put_result(w, fdt_property(w->buffer, name, NULL, 0));
}

static void put_u32(FdtWriter *w, const char *name, uint32_t value) {
    put_result(w, fdt_property_u32(w->buffer, name, value));
}

static void put_string(FdtWriter *w, const char *name, const char *value) {
    put_result(w, fdt_property_string(w->buffer, name, value));
}

/* A list of strings, each with its terminating zero. */
static void put_strings(FdtWriter *w, const char *name, const char *const *values) {
    g_autoptr(GString) all = g_string_new(NULL);

    for (; *values != NULL; values++)
        g_string_append_len(all, *values, (gssize)strlen(*values) + 1);
    put_result(w, fdt_property(w->buffer, name, all->str, (int)all->len));
}

static void put_cells(FdtWriter *w, const char *name, const uint32_t *cells, unsigned n) {
    fdt32_t raw[FDT_MAX_CELLS];

    g_assert(n <= FDT_MAX_CELLS);
    for (unsigned i = 0; i < n; i++)
        raw[i] = cpu_to_fdt32(cells[i]);
    put_result(w, fdt_property(w->buffer, name, raw, (int)(n * sizeof raw[0])));
}

static void put_reg(FdtWriter *w, uint64_t base, uint64_t size) {
    uint32_t cells[] = {(uint32_t)(base >> 32), (uint32_t)base, (uint32_t)(size >> 32), (uint32_t)size};

    put_cells(w, "reg", cells, 4);
}

/* Hart-local interrupts `first` and, unless negative, `second` of every hart. */
static void put_hart_interrupts(FdtWriter *w, const Machine *m, int first, int second) {
    uint32_t cells[FDT_MAX_CELLS];
    unsigned n = 0;

    for (unsigned i = 0; i < m->n_harts; i++) {
        cells[n++] = fdt_intc_handle(m, i);
        cells[n++] = (uint32_t)first;
        if (second >= 0) {
            cells[n++] = fdt_intc_handle(m, i);
            cells[n++] = (uint32_t)second;
        }
    }
    put_cells(w, "interrupts-extended", cells, n);
}

static void put_plic_interrupt(FdtWriter *w, const Machine *m, uint32_t source) {
    put_u32(w, "interrupts", source);
    put_u32(w, "interrupt-parent", fdt_plic_handle(m));
}

/* -- the nodes ------------------------------------------------------------------------------------------- */

static void put_isa_extensions(FdtWriter *w, const Isa *isa) {
    const char *names[64];
    unsigned n = 0;

#define X(field, name, on, in_string)                                                                        \
    if (isa->field && (in_string))                                                                           \
        names[n++] = name;
    ISA_EXTENSIONS(X)
#undef X
    g_assert(n < G_N_ELEMENTS(names));
    names[n] = NULL;
    put_strings(w, "riscv,isa-extensions", names);
}

static const char *fdt_mmu_type(const Isa *isa) {
    if (!isa->mmu || !isa->s)
        return "riscv,none";
    return isa->sv57 ? "riscv,sv57" : isa->sv48 ? "riscv,sv48" : isa->sv39 ? "riscv,sv39" : "riscv,none";
}

static void put_cpu(FdtWriter *w, const Machine *m, unsigned hart) {
    const Isa *isa = &m->config.isa;
    g_autofree char *isa_text = isa_string(isa);

    put_begin_format(w, "cpu@%u", hart);
    put_u32(w, "phandle", fdt_cpu_handle(m, hart));
    put_string(w, "device_type", "cpu");
    put_u32(w, "reg", hart);
    put_string(w, "status", "okay");
    put_string(w, "compatible", "riscv");
    if (isa->zicbom)
        put_u32(w, "riscv,cbom-block-size", 64);
    if (isa->zicbop)
        put_u32(w, "riscv,cbop-block-size", 64);
    if (isa->zicboz)
        put_u32(w, "riscv,cboz-block-size", 64);
    put_isa_extensions(w, isa);
    put_string(w, "riscv,isa-base", "rv64i");
    put_string(w, "riscv,isa", isa_text);
    put_string(w, "mmu-type", fdt_mmu_type(isa));
    put_begin(w, "interrupt-controller");
    put_u32(w, "#interrupt-cells", 1);
    put_flag(w, "interrupt-controller");
    put_string(w, "compatible", "riscv,cpu-intc");
    put_u32(w, "phandle", fdt_intc_handle(m, hart));
    put_end(w);
    put_end(w);
}

static void put_cpus(FdtWriter *w, const Machine *m) {
    put_begin(w, "cpus");
    put_u32(w, "#address-cells", 1);
    put_u32(w, "#size-cells", 0);
    put_u32(w, "timebase-frequency", VIRT_TIMEBASE);
    for (unsigned i = 0; i < m->n_harts; i++)
        put_cpu(w, m, i);
    put_begin(w, "cpu-map");
    put_begin(w, "cluster0");
    for (unsigned i = 0; i < m->n_harts; i++) {
        put_begin_format(w, "core%u", i);
        put_u32(w, "cpu", fdt_cpu_handle(m, i));
        put_end(w);
    }
    put_end(w);
    put_end(w);
    put_end(w);
}

static void put_clint(FdtWriter *w, const Machine *m) {
    put_begin_format(w, "clint@%x", VIRT_CLINT_BASE);
    put_hart_interrupts(w, m, IRQ_MSI, IRQ_MTI);
    put_reg(w, VIRT_CLINT_BASE, VIRT_CLINT_SIZE);
    put_strings(w, "compatible", (const char *const[]){"sifive,clint0", "riscv,clint0", NULL});
    put_end(w);
}

static void put_swi(FdtWriter *w, const Machine *m, const char *kind, uint32_t base, uint32_t size,
                    IrqNumber irq) {
    g_autofree char *compatible = g_strdup_printf("riscv,aclint-%s", kind);

    put_begin_format(w, "%s@%x", kind, base);
    put_u32(w, "#interrupt-cells", 0);
    put_flag(w, "interrupt-controller");
    put_hart_interrupts(w, m, irq, -1);
    put_reg(w, base, size);
    put_string(w, "compatible", compatible);
    put_end(w);
}

static void put_aclint(FdtWriter *w, const Machine *m) {
    uint32_t mtimer = VIRT_CLINT_BASE + VIRT_MSWI_SIZE, mtime = mtimer + VIRT_MTIMER_SIZE - 8;

    put_swi(w, m, "sswi", VIRT_SSWI_BASE, VIRT_SSWI_SIZE, IRQ_SSI);
    put_begin_format(w, "mtimer@%x", mtimer);
    put_hart_interrupts(w, m, IRQ_MTI, -1);
    put_cells(w, "reg",
              (const uint32_t[]){0, mtime, 0, VIRT_CLINT_SIZE - VIRT_MSWI_SIZE - VIRT_MTIMER_SIZE + 8, 0,
                                 mtimer, 0, VIRT_MTIMER_SIZE - 8},
              8);
    put_string(w, "compatible", "riscv,aclint-mtimer");
    put_end(w);
    put_swi(w, m, "mswi", VIRT_CLINT_BASE, VIRT_MSWI_SIZE, IRQ_MSI);
}

static void put_plic(FdtWriter *w, const Machine *m) {
    put_begin_format(w, "plic@%x", VIRT_PLIC_BASE);
    put_u32(w, "phandle", fdt_plic_handle(m));
    put_u32(w, "riscv,ndev", VIRT_PLIC_SOURCES);
    put_reg(w, VIRT_PLIC_BASE, VIRT_PLIC_SIZE);
    put_hart_interrupts(w, m, IRQ_MEI, IRQ_SEI);
    put_flag(w, "interrupt-controller");
    put_strings(w, "compatible", (const char *const[]){"sifive,plic-1.0.0", "riscv,plic0", NULL});
    put_u32(w, "#address-cells", 0);
    put_u32(w, "#interrupt-cells", 1);
    put_end(w);
}

static void put_simple_devices(FdtWriter *w, const Machine *m) {
    put_begin_format(w, "rtc@%x", VIRT_RTC_BASE);
    put_plic_interrupt(w, m, VIRT_RTC_IRQ);
    put_reg(w, VIRT_RTC_BASE, VIRT_RTC_SIZE);
    put_string(w, "compatible", "google,goldfish-rtc");
    put_end(w);

    put_begin_format(w, "serial@%x", VIRT_UART_BASE);
    put_plic_interrupt(w, m, VIRT_UART_IRQ);
    put_u32(w, "clock-frequency", VIRT_UART_CLOCK);
    put_reg(w, VIRT_UART_BASE, VIRT_UART_SIZE);
    put_string(w, "compatible", "ns16550a");
    put_end(w);

    put_begin_format(w, "test@%x", VIRT_TEST_BASE);
    put_u32(w, "phandle", fdt_test_handle(m));
    put_reg(w, VIRT_TEST_BASE, VIRT_TEST_SIZE);
    put_strings(w, "compatible", (const char *const[]){"sifive,test1", "sifive,test0", "syscon", NULL});
    put_end(w);

    for (unsigned slot = MACHINE_VIRTIO_SLOTS; slot-- > 0;) {
        uint32_t base = VIRT_VIRTIO_BASE + slot * VIRT_VIRTIO_SIZE;
        put_begin_format(w, "virtio_mmio@%x", base);
        put_plic_interrupt(w, m, VIRT_VIRTIO_IRQ + slot);
        put_reg(w, base, VIRT_VIRTIO_SIZE);
        put_string(w, "compatible", "virtio,mmio");
        put_end(w);
    }
}

static void put_soc(FdtWriter *w, const Machine *m) {
    put_begin(w, "soc");
    put_u32(w, "#address-cells", 2);
    put_u32(w, "#size-cells", 2);
    put_string(w, "compatible", "simple-bus");
    put_flag(w, "ranges");
    put_simple_devices(w, m);
    put_plic(w, m);
    if (m->config.aclint)
        put_aclint(w, m);
    else
        put_clint(w, m);
    put_end(w);
}

static void put_syscon(FdtWriter *w, const Machine *m, const char *name, uint32_t value) {
    g_autofree char *compatible = g_strdup_printf("syscon-%s", name);

    put_begin(w, name);
    put_u32(w, "value", value);
    put_u32(w, "offset", 0);
    put_u32(w, "regmap", fdt_test_handle(m));
    put_string(w, "compatible", compatible);
    put_end(w);
}

static void put_flash(FdtWriter *w) {
    put_begin_format(w, "flash@%x", VIRT_FLASH_BASE);
    put_u32(w, "bank-width", 4);
    put_cells(w, "reg",
              (const uint32_t[]){0, VIRT_FLASH_BASE, 0, VIRT_FLASH_SIZE, 0, VIRT_FLASH_BASE + VIRT_FLASH_SIZE,
                                 0, VIRT_FLASH_SIZE},
              8);
    put_string(w, "compatible", "cfi-flash");
    put_end(w);
}

static void put_root(FdtWriter *w, const Machine *m) {
    put_begin(w, "");
    put_u32(w, "#address-cells", 2);
    put_u32(w, "#size-cells", 2);
    put_string(w, "compatible", "riscv-virtio");
    put_string(w, "model", "riscv-virtio,qemu");
    if (machine_config_image(&m->config, IMAGE_PFLASH0) || machine_config_image(&m->config, IMAGE_PFLASH1))
        put_flash(w);
    put_begin(w, "chosen");
    put_string(w, "stdout-path", "/soc/serial@10000000");
    put_end(w);
    put_syscon(w, m, "poweroff", 0x5555);
    put_syscon(w, m, "reboot", 0x7777);
    put_begin_format(w, "memory@%x", VIRT_RAM_BASE);
    put_string(w, "device_type", "memory");
    put_reg(w, VIRT_RAM_BASE, m->ram->size);
    put_end(w);
    put_cpus(w, m);
    put_soc(w, m);
    put_end(w);
}

/* -- /chosen --------------------------------------------------------------------------------------------- */

static int fdt_set_chosen(void *tree, const FdtChosen *chosen) {
    int node = fdt_path_offset(tree, "/chosen"), bad = 0;

    if (node == -FDT_ERR_NOTFOUND)
        node = fdt_add_subnode(tree, 0, "chosen");
    if (node < 0)
        return node;
    bad = fdt_setprop(tree, node, "rng-seed", chosen->rng_seed, sizeof chosen->rng_seed);
    if (bad == 0 && chosen->bootargs != NULL)
        bad = fdt_setprop_string(tree, node, "bootargs", chosen->bootargs);
    if (bad == 0 && chosen->initrd_start != chosen->initrd_end) {
        bad = fdt_setprop_u64(tree, node, "linux,initrd-start", chosen->initrd_start);
        if (bad == 0)
            bad = fdt_setprop_u64(tree, node, "linux,initrd-end", chosen->initrd_end);
    }
    return bad;
}

static int fdt_slack(const FdtChosen *chosen) {
    return FDT_SLACK + (chosen->bootargs != NULL ? (int)strlen(chosen->bootargs) : 0);
}

GBytes *fdt_build(const Machine *m, const FdtChosen *chosen) {
    FdtWriter w = {.size = 16384 + fdt_slack(chosen)};

    w.buffer = g_malloc0((size_t)w.size);
    put_result(&w, fdt_create(w.buffer, w.size));
    put_result(&w, fdt_finish_reservemap(w.buffer));
    put_root(&w, m);
    put_result(&w, fdt_finish(w.buffer));
    put_result(&w, fdt_open_into(w.buffer, w.buffer, w.size));
    put_result(&w, fdt_set_chosen(w.buffer, chosen));
    put_result(&w, fdt_pack(w.buffer));
    g_assert(w.bad == 0);
    return g_bytes_new_take(w.buffer, fdt_totalsize(w.buffer));
}

bool fdt_adapt(const MachineImage *image, const FdtChosen *chosen, GBytes **ret, GError **error) {
    size_t size;
    const void *from = g_bytes_get_data(image->data, &size);
    int bad =
        size < sizeof(struct fdt_header) || size > 1 << 20 ? -FDT_ERR_TRUNCATED : fdt_check_full(from, size);

    if (bad == 0) {
        int room = (int)size + fdt_slack(chosen);
        g_autofree void *tree = g_malloc0((size_t)room);
        bad = fdt_open_into(from, tree, room);
        if (bad == 0)
            bad = fdt_set_chosen(tree, chosen);
        if (bad == 0)
            bad = fdt_pack(tree);
        if (bad == 0) {
            size = fdt_totalsize(tree);
            *ret = g_bytes_new_take(g_steal_pointer(&tree), size);
            return true;
        }
    }
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "dtb '%s': not a usable flattened device tree: %s",
                image->name, fdt_strerror(bad));
    return false;
}
