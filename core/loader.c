/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/loader.h"

#include <inttypes.h>
#include <string.h>

/* ELF-64 (System V ABI) and RISC-V Image header (Linux Documentation/arch/riscv/boot-image-header.rst)
 * offsets. */
enum {
    EHDR_SIZE = 64,
    EI_CLASS = 4,
    EI_DATA = 5,
    E_TYPE = 16,
    E_MACHINE = 18,
    E_ENTRY = 24,
    E_PHOFF = 32,
    E_PHENTSIZE = 54,
    E_PHNUM = 56,
    PHDR_SIZE = 56,
    P_TYPE = 0,
    P_OFFSET = 8,
    P_PADDR = 24,
    P_FILESZ = 32,
    P_MEMSZ = 40,
    ELF_CLASS_64 = 2,
    ELF_DATA_LE = 1,
    ELF_ET_EXEC = 2,
    ELF_ET_DYN = 3,
    ELF_EM_RISCV = 243,
    ELF_PT_LOAD = 1,
    IMAGE_HEADER_SIZE = 64,
    IMAGE_SIZE = 16,
    IMAGE_MAGIC2 = 56,
    IMAGE_PE = 60, /* where the PE header of a kernel with an EFI stub is (PE format, Microsoft) */
    PE_SECTIONS = 6,
    PE_OPTIONAL_SIZE = 20,
    PE_HEADER_SIZE = 24,
    SECTION_SIZE = 40,
    SECTION_RAW_SIZE = 16,
    SECTION_RAW_AT = 20,
};

typedef struct Bytes {
    const uint8_t *at;
    size_t size;
} Bytes;

static Bytes image_bytes(const MachineImage *image) {
    Bytes b;

    b.at = g_bytes_get_data(image->data, &b.size);
    return b;
}

static uint64_t bytes_get(Bytes b, size_t offset, unsigned size) {
    uint64_t value = 0;

    g_assert(offset + size <= b.size);
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)b.at[offset + i] << (8 * i);
    return value;
}

static bool bytes_have(Bytes b, size_t offset, const char *magic, size_t n) {
    return b.size >= offset + n && memcmp(b.at + offset, magic, n) == 0;
}

G_GNUC_PRINTF(3, 4)
static bool loader_fail(GError **error, const MachineImage *image, const char *format, ...) {
    va_list args;

    va_start(args, format);
    g_autofree char *why = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s '%s': %s", image_role_name(image->role),
                image->name, why);
    return false;
}

/* What QEMU would unpack or misload as raw bytes, by its first bytes. */
typedef struct RefusedFormat {
    uint32_t offset;
    uint32_t size;
    const char *magic;
    const char *what;
} RefusedFormat;

static const RefusedFormat refused_formats[] = {
    {4, 4, "zimg",
     "an EFI zboot (self-extracting) kernel; give the Image inside it (arch/riscv/boot/Image of the build)"},
    {0, 2, "\x1f\x8b", "gzip-compressed; unpack it first: gzip -dc FILE > Image"},
    {0, 6,
     "\xfd"
     "7zXZ\0",
     "xz-compressed; unpack it first: xz -dc FILE > Image"},
    {0, 4, "\x28\xb5\x2f\xfd", "zstd-compressed; unpack it first: zstd -dc FILE > Image"},
    {0, 4, "\x02\x21\x4c\x18", "lz4-compressed; unpack it first: lz4 -dc FILE > Image"},
    {0, 3, "BZh", "bzip2-compressed; unpack it first: bzip2 -dc FILE > Image"},
    {0, 4, "\x27\x05\x19\x56", "a U-Boot uImage; give the Image that it was made from"},
    {56, 4, "ARM\x64", "an arm64 kernel Image, expected one for 64-bit RISC-V"},
};

static bool loader_check_format(const MachineImage *image, Bytes b, GError **error) {
    if (b.size == 0)
        return loader_fail(error, image, "the file is empty");
    for (size_t i = 0; i < G_N_ELEMENTS(refused_formats); i++) {
        const RefusedFormat *f = &refused_formats[i];
        if (bytes_have(b, f->offset, f->magic, f->size))
            return loader_fail(error, image, "the file is %s", f->what);
    }
    return true;
}

bool loader_write(Machine *m, const char *name, Gpa at, const void *bytes, uint64_t size) {
    MachineLoad load = {.name = name, .addr = at, .size = size};

    if (!machine_ram_write(m, at, bytes, size))
        return false;
    if (size != 0)
        g_array_append_val(m->loads, load);
    return true;
}

/* [at, at+size) must be memory that images may go to. */
static bool loader_check_place(Machine *m, const MachineImage *image, Gpa at, uint64_t size, GError **error) {
    if (machine_ram_ptr(m, at, MAX(size, 1)) != NULL)
        return true;
    return loader_fail(error, image,
                       "0x%" PRIx64 " bytes at 0x%" PRIx64 " do not fit into memory (RAM is 0x%" PRIx64
                       "-0x%" PRIx64 "; -m makes it larger)",
                       size, at, m->ram->base, m->ram->base + m->ram->size - 1);
}

static bool loader_check_elf(const MachineImage *image, Bytes b, GError **error) {
    if (b.size < EHDR_SIZE)
        return loader_fail(error, image, "ELF header cut off: %zu bytes of %d", b.size, EHDR_SIZE);
    if (b.at[EI_CLASS] != ELF_CLASS_64 || b.at[EI_DATA] != ELF_DATA_LE)
        return loader_fail(error, image, "ELF class %u, data %u: expected 64-bit little-endian (2, 1)",
                           b.at[EI_CLASS], b.at[EI_DATA]);
    unsigned machine = (unsigned)bytes_get(b, E_MACHINE, 2), type = (unsigned)bytes_get(b, E_TYPE, 2);
    if (machine != ELF_EM_RISCV)
        return loader_fail(error, image, "ELF machine %u, expected RISC-V (%d)", machine, ELF_EM_RISCV);
    if (type != ELF_ET_EXEC && type != ELF_ET_DYN)
        return loader_fail(error, image, "ELF type %u, expected an executable (2 or 3)", type);
    if (bytes_get(b, E_PHENTSIZE, 2) != PHDR_SIZE)
        return loader_fail(error, image, "ELF program header size %u at offset %d, expected %d",
                           (unsigned)bytes_get(b, E_PHENTSIZE, 2), E_PHENTSIZE, PHDR_SIZE);
    uint64_t at = bytes_get(b, E_PHOFF, 8), n = bytes_get(b, E_PHNUM, 2);
    if (at > b.size || n * PHDR_SIZE > b.size - at)
        return loader_fail(error, image,
                           "%u ELF program headers at offset 0x%" PRIx64 " reach beyond the file's %zu bytes",
                           (unsigned)n, at, b.size);
    return true;
}

/* What a file leaves out is zero, even where a guest-requested reset found something. */
static void loader_clear(Machine *m, Gpa at, uint64_t size) {
    static const uint8_t zeros[PAGE_SIZE];

    for (uint64_t done = 0, part; done < size; done += part) {
        part = MIN(size - done, sizeof zeros);
        machine_ram_write(m, at + done, zeros, part);
    }
}

/*
 * A linker that is told only where .text goes maps the file's headers in front of it, in a page below RAM: how many bytes
 * of the segment are those headers and the zeros after them.
 */
static uint64_t loader_headers_below_ram(Machine *m, Bytes b, uint64_t offset, uint64_t paddr,
                                         uint64_t filesz) {
    if (offset != 0 || paddr >= m->ram->base || m->ram->base - paddr > filesz)
        return 0;
    uint64_t below = m->ram->base - paddr;
    uint64_t headers = bytes_get(b, E_PHOFF, 8) + bytes_get(b, E_PHNUM, 2) * PHDR_SIZE;
    for (uint64_t i = MIN(headers, below); i < below; i++)
        if (b.at[i] != 0)
            return 0;
    return headers <= below ? below : 0;
}

static bool loader_load_segment(Machine *m, const MachineImage *image, Bytes b, unsigned index,
                                LoadedImage *loaded, GError **error) {
    size_t header = bytes_get(b, E_PHOFF, 8) + (size_t)index * PHDR_SIZE;
    uint64_t offset = bytes_get(b, header + P_OFFSET, 8), paddr = bytes_get(b, header + P_PADDR, 8);
    uint64_t filesz = bytes_get(b, header + P_FILESZ, 8), memsz = bytes_get(b, header + P_MEMSZ, 8);

    if (bytes_get(b, header + P_TYPE, 4) != ELF_PT_LOAD || memsz == 0)
        return true;
    if (filesz > memsz || offset > b.size || filesz > b.size - offset)
        return loader_fail(error, image,
                           "ELF segment %u (offset 0x%" PRIx64 ", 0x%" PRIx64 " bytes of 0x%" PRIx64
                           ") reaches beyond the file's %zu bytes or its own size",
                           index, offset, filesz, memsz, b.size);
    uint64_t headers = loader_headers_below_ram(m, b, offset, paddr, filesz);
    offset += headers, paddr += headers, filesz -= headers, memsz -= headers;
    if (!loader_check_place(m, image, paddr, memsz, error))
        return false;
    if (!loader_write(m, image->name, paddr, b.at + offset, filesz))
        return loader_fail(error, image, "ELF segment %u at 0x%" PRIx64 " is not in writable memory", index,
                           paddr);
    loader_clear(m, paddr + filesz, memsz - filesz);
    loaded->low = MIN(loaded->low, paddr);
    loaded->high = MAX(loaded->high, paddr + memsz);
    return true;
}

static bool loader_load_elf(Machine *m, const MachineImage *image, Bytes b, LoadedImage *ret,
                            GError **error) {
    LoadedImage loaded = {.low = UINT64_MAX, .high = 0, .is_elf = true};

    if (!loader_check_elf(image, b, error))
        return false;
    unsigned n = (unsigned)bytes_get(b, E_PHNUM, 2);
    for (unsigned i = 0; i < n; i++)
        if (!loader_load_segment(m, image, b, i, &loaded, error))
            return false;
    if (loaded.high == 0)
        return loader_fail(error, image, "the ELF file has no loadable segment");
    loaded.entry = bytes_get(b, E_ENTRY, 8);
    *ret = loaded;
    return true;
}

static bool is_image(Bytes b) {
    return b.size >= IMAGE_HEADER_SIZE && bytes_have(b, IMAGE_MAGIC2, "RSC\x05", 4);
}

/* Bytes that the file of an Image must have, as far as its PE sections tell; 0: it has none. */
static uint64_t loader_pe_size(Bytes b) {
    uint64_t pe = bytes_get(b, IMAGE_PE, 4), size = pe + PE_HEADER_SIZE;

    if (!bytes_have(b, 0, "MZ", 2) || b.size < size || !bytes_have(b, pe, "PE\0", 4))
        return 0;
    uint64_t n = bytes_get(b, pe + PE_SECTIONS, 2), at = size + bytes_get(b, pe + PE_OPTIONAL_SIZE, 2);
    size = at + n * SECTION_SIZE;
    for (uint64_t i = 0; i < n && at + SECTION_SIZE <= b.size; i++, at += SECTION_SIZE)
        size = MAX(size, bytes_get(b, at + SECTION_RAW_AT, 4) + bytes_get(b, at + SECTION_RAW_SIZE, 4));
    return size;
}

/* An Image that was cut off would run into zeros and hang without a word. */
static bool loader_check_whole(const MachineImage *image, Bytes b, GError **error) {
    uint64_t size = is_image(b) ? loader_pe_size(b) : 0;

    return size <= b.size ||
           loader_fail(error, image, "the Image is cut off: %zu bytes, its sections reach to %" PRIu64,
                       b.size, size);
}

/* Bytes that a raw image occupies: an Image header's image_size counts .bss too. */
static uint64_t loader_raw_size(Bytes b) {
    if (!is_image(b))
        return b.size;
    return MAX(b.size, bytes_get(b, IMAGE_SIZE, 8));
}

bool loader_load_executable(Machine *m, const MachineImage *image, Gpa raw_at, LoadedImage *ret,
                            GError **error) {
    Bytes b = image_bytes(image);

    if (image->role != IMAGE_LOADER && !loader_check_format(image, b, error))
        return false;
    if (bytes_have(b, 0,
                   "\x7f"
                   "ELF",
                   4))
        return loader_load_elf(m, image, b, ret, error);
    uint64_t size = loader_raw_size(b);
    if (!loader_check_whole(image, b, error) || !loader_check_place(m, image, raw_at, size, error) ||
        !loader_load_bytes(m, image, raw_at, UINT64_MAX, error))
        return false;
    *ret = (LoadedImage){.low = raw_at, .high = raw_at + size, .entry = raw_at};
    return true;
}

bool loader_load_bytes(Machine *m, const MachineImage *image, Gpa at, Gpa limit, GError **error) {
    Bytes b = image_bytes(image);

    if (at > limit || b.size > limit - at)
        return loader_fail(error, image,
                           "0x%zx bytes do not fit at 0x%" PRIx64 ": only 0x%" PRIx64
                           " are free there (-m makes RAM larger)",
                           b.size, at, at > limit ? 0 : limit - at);
    if (!loader_check_place(m, image, at, b.size, error))
        return false;
    if (!loader_write(m, image->name, at, b.at, b.size))
        return loader_fail(error, image, "0x%" PRIx64 " is not writable memory", at);
    return true;
}
