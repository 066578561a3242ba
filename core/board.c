/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The composition of the machine and what a reset loads. Placement of the images is QEMU's:
 *
 *   0x1000       mask ROM: six instructions, start address, device tree address, fw_dynamic information
 *   0x80000000   firmware (-bios), or the kernel with -bios none
 *   next 2 MiB   kernel, unless it is an ELF file that says where it goes
 *   kernel + min(RAM/2, 128 MiB)   initrd
 *   top of RAM below 3 GiB, aligned down to 2 MiB   device tree
 */
#include "core/board.h"

#include <inttypes.h>

#include "core/devices/devices.h"
#include "core/devicetree.h"
#include "core/loader.h"
#include "core/memmap.h"

#define MIB ((uint64_t)1 << 20)
#define KERNEL_ALIGN (2 * MIB)
#define FDT_ALIGN (2 * MIB)
#define FDT_CEILING UINT64_C(0xc0000000)

/* OpenSBI's struct fw_dynamic_info, version 2. */
#define FW_DYNAMIC_MAGIC UINT64_C(0x4942534f)
enum { FW_DYNAMIC_VERSION = 2, FW_DYNAMIC_MODE_S = 1, FW_DYNAMIC_WORDS = 6 };

/* Where everything went. */
typedef struct BootPlan {
    Gpa start;        /* where the reset vector jumps to */
    Gpa kernel_entry; /* for the firmware; 0: no kernel */
    Gpa kernel_high;  /* end of what is loaded in RAM so far */
    Gpa initrd, initrd_end;
    Gpa fdt;
} BootPlan;

static Device *board_rtc(const Machine *m) {
    return machine_mmio_region(m, VIRT_RTC_BASE)->device;
}

static bool board_add_memory(Machine *m, GError **error) {
    bool good = machine_add_ram(m, "mrom", VIRT_MROM_BASE, VIRT_MROM_SIZE, true) &&
                machine_add_ram(m, "flash0", VIRT_FLASH_BASE, VIRT_FLASH_SIZE, true) &&
                machine_add_ram(m, "flash1", VIRT_FLASH_BASE + VIRT_FLASH_SIZE, VIRT_FLASH_SIZE, true);
    if (good)
        m->ram = machine_add_ram(m, "ram", VIRT_RAM_BASE, m->config.ram_size, false);
    if (!m->ram)
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOMEM,
                    "the host has no room for 0x%" PRIx64 " bytes of RAM", m->config.ram_size);
    return m->ram != NULL;
}

bool board_create(Machine *m, GError **error) {
    if (m->config.ram_size < 2 * MIB || m->config.ram_size % PAGE_SIZE != 0) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "memory size 0x%" PRIx64 " is not a multiple of 4 KiB of at least 2 MiB",
                    m->config.ram_size);
        return false;
    }
    if (!board_add_memory(m, error))
        return false;
    plic_create(m, VIRT_PLIC_BASE, VIRT_PLIC_SIZE);
    finisher_create(m, VIRT_TEST_BASE);
    rtc_create(m, VIRT_RTC_BASE, VIRT_RTC_IRQ);
    aclint_create(m, VIRT_CLINT_BASE);
    if (m->config.aclint)
        sswi_create(m, VIRT_SSWI_BASE);
    uart_create(m, VIRT_UART_BASE, VIRT_UART_IRQ);
    for (unsigned slot = 0; slot < MACHINE_VIRTIO_SLOTS; slot++)
        if (!virtio_create(m, slot, VIRT_VIRTIO_BASE + slot * VIRT_VIRTIO_SIZE, VIRT_VIRTIO_IRQ + (int)slot,
                           error))
            return false;
    m->reset_vector = VIRT_MROM_BASE;
    return true;
}

/* -- what comes from outside ----------------------------------------------------------------------------- */

static bool board_fetch(Machine *m, NdKind kind, uint32_t source, uint8_t *to, uint32_t size,
                        GError **error) {
    int err = 0;

    if (m->nd->ops->fetch(m->nd, machine_pos(m), machine_time(m), kind, source, 0, to, size, &err))
        return true;
    g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(err), "the host has no %s for the machine: %s",
                kind == ND_CLOCK ? "clock" : "entropy", g_strerror(err));
    return false;
}

static bool board_set_clock(Machine *m, GError **error) {
    Device *rtc = board_rtc(m);
    uint64_t base = m->config.rtc_base_ns;

    if (rtc_has_base(rtc))
        return true;
    if (base == UINT64_MAX) {
        uint8_t raw[8];
        if (!board_fetch(m, ND_CLOCK, 0, raw, sizeof raw, error))
            return false;
        base = 0;
        for (unsigned i = 0; i < 8; i++)
            base |= (uint64_t)raw[i] << (8 * i);
    }
    rtc_set_base(rtc, base);
    return true;
}

/* -- images ---------------------------------------------------------------------------------------------- */

static bool board_load_flash(Machine *m, BootPlan *plan, GError **error) {
    const MachineImage *flash[2] = {machine_config_image(&m->config, IMAGE_PFLASH0),
                                    machine_config_image(&m->config, IMAGE_PFLASH1)};

    for (unsigned i = 0; i < 2; i++) {
        Gpa base = VIRT_FLASH_BASE + i * VIRT_FLASH_SIZE;
        if (flash[i] != NULL && !loader_load_bytes(m, flash[i], base, base + VIRT_FLASH_SIZE, error))
            return false;
    }
    /* Without firmware the flash is started; with one it is what the firmware starts. */
    if (flash[0] != NULL && machine_config_image(&m->config, IMAGE_BIOS) == NULL)
        plan->start = VIRT_FLASH_BASE;
    else if (flash[0] != NULL)
        plan->kernel_entry = VIRT_FLASH_BASE;
    return true;
}

static bool board_load_kernel(Machine *m, BootPlan *plan, GError **error) {
    const MachineImage *bios = machine_config_image(&m->config, IMAGE_BIOS);
    const MachineImage *kernel = machine_config_image(&m->config, IMAGE_KERNEL);
    LoadedImage loaded;

    plan->kernel_high = VIRT_RAM_BASE;
    if (bios != NULL) {
        if (!loader_load_executable(m, bios, VIRT_RAM_BASE, &loaded, error))
            return false;
        plan->start = loaded.entry;
        plan->kernel_high = loaded.high;
    }
    if (kernel == NULL)
        return true;
    Gpa at = (plan->kernel_high + KERNEL_ALIGN - 1) & ~(KERNEL_ALIGN - 1);
    if (!loader_load_executable(m, kernel, at, &loaded, error))
        return false;
    /* QEMU hands over the lowest address instead of an ELF file's entry, which may be a virtual one. */
    plan->kernel_entry = loaded.low;
    plan->kernel_high = MAX(plan->kernel_high, loaded.high);
    /* Likewise QEMU starts at the bottom of RAM; where nothing is loaded there, the entry is the better
     * choice. */
    if (bios == NULL && plan->start == VIRT_RAM_BASE && loaded.low > VIRT_RAM_BASE)
        plan->start = loaded.entry;
    return true;
}

static bool board_load_extra(Machine *m, GError **error) {
    LoadedImage loaded;

    for (unsigned i = 0; i < m->config.images->len; i++) {
        const MachineImage *image = g_ptr_array_index(m->config.images, i);
        if (image->role == IMAGE_LOADER && !loader_load_executable(m, image, image->addr, &loaded, error))
            return false;
    }
    return true;
}

static void board_place_initrd(Machine *m, BootPlan *plan) {
    const MachineImage *initrd = machine_config_image(&m->config, IMAGE_INITRD);

    if (initrd == NULL)
        return;
    Gpa from = plan->kernel_entry != 0 ? plan->kernel_entry : VIRT_RAM_BASE;
    plan->initrd = from + MIN(m->config.ram_size / 2, 128 * MIB);
    plan->initrd = MAX(plan->initrd, (plan->kernel_high + PAGE_SIZE - 1) & PAGE_MASK);
    plan->initrd_end = plan->initrd + g_bytes_get_size(initrd->data);
}

/*
 * The seed for the guest's generator. A host that has no entropy left is told when the machine starts; at a reset by the
 * guest nobody is there to be told, and the guest has its own by then: it gets zeros.
 */
static bool board_seed(Machine *m, uint8_t *seed, uint32_t size, GError **error) {
    if (board_fetch(m, ND_ENTROPY, ENTROPY_SOURCE_BOARD, seed, size, machine_pos(m) ? NULL : error))
        return true;
    memset(seed, 0, size);
    return machine_pos(m) > 0;
}

static bool board_load_fdt(Machine *m, BootPlan *plan, GError **error) {
    const MachineImage *dtb = machine_config_image(&m->config, IMAGE_DTB);
    const MachineImage *initrd = machine_config_image(&m->config, IMAGE_INITRD);
    FdtChosen chosen = {
        .bootargs = m->config.append,
        .initrd_start = plan->initrd,
        .initrd_end = plan->initrd_end,
    };
    g_autoptr(GBytes) tree = NULL;

    if (!board_seed(m, chosen.rng_seed, sizeof chosen.rng_seed, error))
        return false;
    if (dtb == NULL)
        tree = fdt_build(m, &chosen);
    else if (!fdt_adapt(dtb, &chosen, &tree, error))
        return false;
    uint64_t size = g_bytes_get_size(tree);
    Gpa top = MIN(m->ram->base + m->ram->size, FDT_CEILING);
    plan->fdt = (top - MIN(size, top)) & ~(FDT_ALIGN - 1);
    if (plan->fdt < plan->kernel_high) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "the images reach up to 0x%" PRIx64 " and leave no room for the device tree at 0x%" PRIx64
                    " (-m makes RAM larger)",
                    plan->kernel_high, plan->fdt);
        return false;
    }
    if (initrd != NULL && !loader_load_bytes(m, initrd, plan->initrd, plan->fdt, error))
        return false;
    gsize length;
    const void *bytes = g_bytes_get_data(tree, &length);
    if (loader_write(m, "device tree", plan->fdt, bytes, length))
        return true;
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                "0x%zx bytes of device tree do not fit at 0x%" PRIx64, length, plan->fdt);
    return false;
}

/* -- the reset vector ------------------------------------------------------------------------------------ */

static void put_le(GByteArray *out, uint64_t value, unsigned size) {
    state_write_uint(out, value, size);
}

/*
 * a0 = hart id, a1 = device tree, a2 = fw_dynamic information, then jump. The data follow the code at fixed
 * distances from its first instruction, which t0 holds.
 */
static void board_load_reset_vector(Machine *m, const BootPlan *plan) {
    static const uint32_t code[] = {
        0x00000297, /* auipc t0, 0 */
        0x02828613, /* addi  a2, t0, 40 */
        0xf1402573, /* csrr  a0, mhartid */
        0x0202b583, /* ld    a1, 32(t0) */
        0x0182b283, /* ld    t0, 24(t0) */
        0x00028067, /* jr    t0 */
    };
    const uint64_t fw_dynamic[FW_DYNAMIC_WORDS] = {
        FW_DYNAMIC_MAGIC,  FW_DYNAMIC_VERSION, plan->kernel_entry,
        FW_DYNAMIC_MODE_S, 0 /* options */,    0 /* boot hart */,
    };
    g_autoptr(GByteArray) rom = g_byte_array_new();

    for (unsigned i = 0; i < G_N_ELEMENTS(code); i++)
        put_le(rom, code[i], 4);
    put_le(rom, plan->start, 8);
    put_le(rom, plan->fdt, 8);
    for (unsigned i = 0; i < FW_DYNAMIC_WORDS; i++)
        put_le(rom, fw_dynamic[i], 8);
    bool done = loader_write(m, "reset vector", VIRT_MROM_BASE, rom->data, rom->len);
    g_assert(done);
}

bool board_load(Machine *m, GError **error) {
    BootPlan plan = {.start = VIRT_RAM_BASE};

    g_array_set_size(m->loads, 0);
    if (!board_set_clock(m, error) || !board_load_flash(m, &plan, error) ||
        !board_load_kernel(m, &plan, error))
        return false;
    board_place_initrd(m, &plan);
    if (!board_load_fdt(m, &plan, error) || !board_load_extra(m, error))
        return false;
    board_load_reset_vector(m, &plan);
    return true;
}
