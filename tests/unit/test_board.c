/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loading: ELF, Image and raw files, good and bad; where things go; the device tree and the reset vector. */
#include <errno.h>
#include <libfdt.h>
#include <string.h>

#include "core/memmap.h"
#include "tests/unit/world.h"

#define RAM VIRT_RAM_BASE

/* -- a small ELF file: two segments of 16 bytes, the second with .bss ------------------------------------ */

enum { ELF_SIZE = 64 + 2 * 56 + 32, PHDR = 64, PHDR2 = 64 + 56, CODE = 64 + 2 * 56 };

static void put(uint8_t *elf, unsigned at, uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; i++)
        elf[at + i] = (uint8_t)(value >> 8 * i);
}

static void put_phdr(uint8_t *elf, unsigned at, uint64_t offset, uint64_t paddr, uint64_t memsz) {
    put(elf, at, 1, 4);
    put(elf, at + 8, offset, 8);
    put(elf, at + 16, 0xffffffff80000000, 8);
    put(elf, at + 24, paddr, 8);
    put(elf, at + 32, 16, 8);
    put(elf, at + 40, memsz, 8);
}

static void make_elf(uint8_t *elf, Gpa base) {
    memset(elf, 0, ELF_SIZE);
    memcpy(elf,
           "\x7f"
           "ELF\2\1\1",
           7);
    put(elf, 16, 2, 2);
    put(elf, 18, 243, 2);
    put(elf, 24, base + 4, 8);
    put(elf, 32, PHDR, 8);
    put(elf, 54, 56, 2);
    put(elf, 56, 2, 2);
    put_phdr(elf, PHDR, CODE, base, 16);
    put_phdr(elf, PHDR2, CODE + 16, base + 0x1000, 0x2000);
    memset(elf + CODE, 0xaa, 16);
    memset(elf + CODE + 16, 0xbb, 16);
}

static uint64_t mem(World *w, Gpa pa) {
    uint64_t value;

    memcpy(&value, machine_ram_ptr(w->m, pa, 8), 8);
    return value;
}

static void test_elf(void) {
    uint8_t elf[ELF_SIZE];
    World *w = world_new();

    make_elf(elf, RAM);
    world_image(w, IMAGE_KERNEL, elf, sizeof elf);
    g_assert_true(world_start(w, NULL));
    g_assert_cmphex(mem(w, RAM), ==, 0xaaaaaaaaaaaaaaaa);
    g_assert_cmphex(mem(w, RAM + 0x1008), ==, 0xbbbbbbbbbbbbbbbb);
    g_assert_cmphex(mem(w, RAM + 0x1010), ==, 0);
    g_assert_cmphex(mem(w, VIRT_MROM_BASE + 24), ==, RAM);
    /* A second reset writes everything again. */
    memset(machine_ram_ptr(w->m, RAM, 0x3000), 0xff, 0x3000);
    g_assert_true(machine_reset(w->m, NULL));
    g_assert_cmphex(mem(w, RAM), ==, 0xaaaaaaaaaaaaaaaa);
    g_assert_cmphex(mem(w, RAM + 0x1010), ==, 0);
    world_free(w);
    /* Elsewhere in RAM and without firmware: at its entry. */
    w = world_new();
    make_elf(elf, RAM + 0x10000);
    world_image(w, IMAGE_KERNEL, elf, sizeof elf);
    g_assert_true(world_start(w, NULL));
    g_assert_cmphex(mem(w, VIRT_MROM_BASE + 24), ==, RAM + 0x10004);
    world_free(w);
}

typedef struct BadElf {
    unsigned at, size;
    uint64_t value;
    const char *message;
} BadElf;

static const BadElf bad_elves[] = {
    {4, 1, 1, "expected 64-bit little-endian"},
    {5, 1, 2, "expected 64-bit little-endian"},
    {16, 2, 1, "expected an executable"},
    {18, 2, 62, "expected RISC-V"},
    {32, 8, 1 << 20, "reach beyond the file"},
    {32, 8, UINT64_MAX - 10, "reach beyond the file"},
    {54, 2, 32, "program header size"},
    {56, 2, 0, "no loadable segment"},
    {56, 2, 65535, "reach beyond the file"},
    {PHDR + 8, 8, ELF_SIZE, "reaches beyond the file"},
    {PHDR + 8, 8, UINT64_MAX - 3, "reaches beyond the file"},
    {PHDR + 24, 8, 0x40000000, "do not fit into memory"},
    {PHDR + 24, 8, UINT64_MAX - 7, "do not fit into memory"},
    {PHDR + 32, 8, 17, "its own size"},
    {PHDR + 32, 8, UINT64_MAX, "reaches beyond the file"},
    {PHDR2 + 40, 8, 1ull << 40, "do not fit into memory"},
    {PHDR2 + 40, 8, UINT64_MAX, "do not fit into memory"},
};

static void expect_error(World *w, const char *message) {
    g_autoptr(GError) error = NULL;

    g_assert_false(world_start(w, &error));
    g_assert_nonnull(error);
    if (!strstr(error->message, message))
        g_error("'%s' does not say '%s'", error->message, message);
    world_free(w);
}

static void test_bad_elf(void) {
    uint8_t elf[ELF_SIZE];

    for (size_t i = 0; i < G_N_ELEMENTS(bad_elves); i++) {
        const BadElf *b = &bad_elves[i];
        World *w = world_new();
        make_elf(elf, RAM);
        put(elf, b->at, b->value, b->size);
        world_image(w, IMAGE_KERNEL, elf, sizeof elf);
        expect_error(w, b->message);
    }
    for (size_t size = 4; size < ELF_SIZE; size += 5) {
        World *w = world_new();
        make_elf(elf, RAM);
        world_image(w, IMAGE_BIOS, elf, size);
        expect_error(w, size < 64 ? "cut off" : "beyond the file");
    }
}

/* The headers' own page, in front of .text, may lie below RAM; anything else there may not. */
static void test_elf_headers_below(void) {
    for (unsigned bad = 0; bad < 2; bad++) {
        uint8_t elf[0x1010] = {0};
        World *w = world_new();
        make_elf(elf, RAM);
        memset(elf + PHDR2, 0, 56 + 32);
        memset(elf + 0x1000, 0xaa, 16);
        put(elf, 56, 1, 2);
        put_phdr(elf, PHDR, 0, RAM - 0x1000, sizeof elf);
        put(elf, PHDR + 32, sizeof elf, 8);
        elf[0x800] = (uint8_t)bad;
        world_image(w, IMAGE_KERNEL, elf, sizeof elf);
        if (bad) {
            expect_error(w, "do not fit into memory");
            continue;
        }
        g_assert_true(world_start(w, NULL));
        g_assert_cmphex(mem(w, RAM + 8), ==, 0xaaaaaaaaaaaaaaaa);
        g_assert_cmphex(mem(w, RAM + 16), ==, 0);
        world_free(w);
    }
}

static void test_bad_formats(void) {
    static const struct {
        const char *bytes;
        size_t size;
        const char *message;
    } cases[] = {
        {"", 0, "empty"},
        {"\x1f\x8b\x08\x00", 4, "gzip -dc"},
        {"\xfd"
         "7zXZ\0",
         6, "xz -dc"},
        {"\x28\xb5\x2f\xfd", 4, "zstd -dc"},
        {"MZ\0\0zimg\0\0", 10, "zboot"},
        {"\x27\x05\x19\x56", 4, "uImage"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        World *w = world_new();
        world_image(w, IMAGE_KERNEL, cases[i].bytes, cases[i].size);
        expect_error(w, cases[i].message);
    }
}

static void test_too_large(void) {
    g_autofree uint8_t *big = g_malloc0(17 << 20);
    World *w = world_new();

    world_image(w, IMAGE_KERNEL, big, 17 << 20);
    expect_error(w, "do not fit into memory");
    /* An Image that says it needs more than the file has. */
    w = world_new();
    put(big, 16, 1ull << 33, 8);
    memcpy(big + 56, "RSC\x05", 4);
    world_image(w, IMAGE_KERNEL, big, 4096);
    expect_error(w, "do not fit into memory");
    /* Room for the kernel, none for the device tree. */
    w = world_new();
    put(big, 16, 0, 8);
    world_image(w, IMAGE_KERNEL, big, 15 << 20);
    expect_error(w, "no room for the device tree");
    w = world_new();
    world_image(w, IMAGE_KERNEL, big, 4096);
    world_image(w, IMAGE_INITRD, big, 12 << 20);
    expect_error(w, "are free there");
    w = world_new();
    world_image(w, IMAGE_DTB, "not a device tree, but long enough for a header of one", 50);
    expect_error(w, "not a usable flattened device tree");
    w = world_new();
    w->fail = ENODEV;
    expect_error(w, "no clock");
}

static const void *tree(World *w) {
    return machine_ram_ptr(w->m, mem(w, VIRT_MROM_BASE + 32), 4096);
}

static void test_layout(void) {
    static const uint8_t firmware[5000] = {1}, kernel[300] = {2}, initrd[77] = {3};
    World *w = world_new();
    int length;

    w->config.append = g_strdup("console=ttyS0 x");
    world_image(w, IMAGE_BIOS, firmware, sizeof firmware);
    world_image(w, IMAGE_KERNEL, kernel, sizeof kernel);
    world_image(w, IMAGE_INITRD, initrd, sizeof initrd);
    g_assert_true(world_start(w, NULL));
    Gpa fdt = mem(w, VIRT_MROM_BASE + 32);
    g_assert_cmphex(fdt, ==, RAM + (14 << 20)); /* the last whole 2 MiB */
    g_assert_cmphex(mem(w, VIRT_MROM_BASE + 24), ==, RAM);
    g_assert_cmphex(mem(w, VIRT_MROM_BASE + 40), ==, 0x4942534f);
    g_assert_cmphex(mem(w, VIRT_MROM_BASE + 56), ==, RAM + (2 << 20));
    g_assert_cmpint((int)mem(w, RAM + (2 << 20)) & 0xff, ==, 2);
    g_assert_cmpint((int)mem(w, RAM + (10 << 20)) & 0xff, ==, 3);
    static const char *const loads[] = {"test-file", "test-file", "test-file", "device tree", "reset vector"};
    g_assert_cmpuint(w->m->loads->len, ==, G_N_ELEMENTS(loads));
    for (guint i = 0; i < w->m->loads->len; i++)
        g_assert_cmpstr(g_array_index(w->m->loads, MachineLoad, i).name, ==, loads[i]);
    g_assert_cmpuint(g_array_index(w->m->loads, MachineLoad, 1).size, ==, sizeof kernel);
    const void *t = tree(w);
    g_assert_cmpint(fdt_check_full(t, fdt_totalsize(t)), ==, 0);
    int chosen = fdt_path_offset(t, "/chosen");
    g_assert_cmpstr(fdt_getprop(t, chosen, "bootargs", NULL), ==, "console=ttyS0 x");
    const fdt64_t *start = fdt_getprop(t, chosen, "linux,initrd-start", &length);
    g_assert_cmpint(length, ==, 8);
    g_assert_cmphex(fdt64_to_cpu(*start), ==, RAM + (10 << 20));
    g_assert_nonnull(fdt_getprop(t, chosen, "rng-seed", &length));
    g_assert_cmpint(length, ==, 32);
    world_free(w);
}

static void test_tree(void) {
    World *w = world_new();
    int length;

    w->config.n_harts = 3;
    g_assert_true(world_start(w, NULL));
    const void *t = tree(w);
    static const char *const nodes[] = {
        "/cpus/cpu@0/interrupt-controller",
        "/cpus/cpu@2",
        "/soc/plic@c000000",
        "/soc/clint@2000000",
        "/soc/serial@10000000",
        "/soc/virtio_mmio@10001000",
        "/soc/virtio_mmio@10008000",
        "/soc/rtc@101000",
        "/soc/test@100000",
        "/poweroff",
        "/reboot",
        "/memory@80000000",
        "/cpus/cpu-map/cluster0/core2",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(nodes); i++)
        g_assert_cmpint(fdt_path_offset(t, nodes[i]), >, 0);
    int cpu = fdt_path_offset(t, "/cpus/cpu@1");
    g_assert_cmpstr(fdt_getprop(t, cpu, "mmu-type", NULL), ==, "riscv,sv57");
    g_assert_true(g_str_has_prefix(fdt_getprop(t, cpu, "riscv,isa", NULL), "rv64imafdc_"));
    const char *extensions = fdt_getprop(t, cpu, "riscv,isa-extensions", &length);
    g_assert_cmpint(fdt_stringlist_contains(extensions, length, "zicsr"), ==, 1);
    /* Each hart's interrupt controller is where the PLIC says. */
    int plic = fdt_path_offset(t, "/soc/plic@c000000");
    const fdt32_t *cells = fdt_getprop(t, plic, "interrupts-extended", &length);
    g_assert_cmpint(length, ==, 3 * 16);
    for (unsigned hart = 0; hart < 3; hart++) {
        int intc = fdt_node_offset_by_phandle(t, fdt32_to_cpu(cells[4 * hart]));
        const fdt32_t *id = fdt_getprop(t, fdt_parent_offset(t, intc), "reg", NULL);
        g_assert_cmpuint(fdt32_to_cpu(*id), ==, hart);
        g_assert_cmpuint(fdt32_to_cpu(cells[4 * hart + 1]), ==, IRQ_MEI);
        g_assert_cmpuint(fdt32_to_cpu(cells[4 * hart + 3]), ==, IRQ_SEI);
    }
    world_free(w);
}

/* A tree of the user's gets /chosen completed. */
static void test_own_tree(void) {
    g_autofree void *own = g_malloc0(4096);
    World *w = world_new();

    fdt_create_empty_tree(own, 4096);
    fdt_setprop_string(own, 0, "model", "mine");
    fdt_pack(own);
    w->config.append = g_strdup("quiet");
    world_image(w, IMAGE_DTB, own, fdt_totalsize(own));
    g_assert_true(world_start(w, NULL));
    const void *t = tree(w);
    g_assert_cmpstr(fdt_getprop(t, 0, "model", NULL), ==, "mine");
    g_assert_cmpstr(fdt_getprop(t, fdt_path_offset(t, "/chosen"), "bootargs", NULL), ==, "quiet");
    world_free(w);
}

/* Flash instead of firmware is started; with firmware it is what the firmware starts. */
static void test_flash(void) {
    static const uint8_t flash[4096] = {7}, firmware[16] = {1};

    for (int with_firmware = 0; with_firmware < 2; with_firmware++) {
        World *w = world_new();
        world_image(w, IMAGE_PFLASH0, flash, sizeof flash);
        if (with_firmware)
            world_image(w, IMAGE_BIOS, firmware, sizeof firmware);
        g_assert_true(world_start(w, NULL));
        g_assert_cmphex(mem(w, VIRT_FLASH_BASE), ==, 7);
        g_assert_cmphex(mem(w, VIRT_MROM_BASE + 24), ==, with_firmware ? RAM : VIRT_FLASH_BASE);
        g_assert_cmphex(mem(w, VIRT_MROM_BASE + 56), ==, with_firmware ? VIRT_FLASH_BASE : 0);
        g_assert_cmpint(fdt_path_offset(tree(w), "/flash@20000000"), >, 0);
        world_free(w);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/board/elf", test_elf);
    g_test_add_func("/board/bad-elf", test_bad_elf);
    g_test_add_func("/board/elf-headers-below", test_elf_headers_below);
    g_test_add_func("/board/bad-formats", test_bad_formats);
    g_test_add_func("/board/too-large", test_too_large);
    g_test_add_func("/board/layout", test_layout);
    g_test_add_func("/board/tree", test_tree);
    g_test_add_func("/board/flash", test_flash);
    g_test_add_func("/board/own-tree", test_own_tree);
    return g_test_run();
}
