/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/machine_args.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/args.h"

/*
 * Parsing happens in two steps because QEMU's options may come in any order: first each option leaves its value in
 * the Collected lists, then machine_setup_parse() builds backends, devices and images from them.
 */
typedef struct Collected {
    MachineSetup *s;
    char *bios, *kernel, *initrd, *dtb, *append, *serial, *nic;
    char *pflash[2];
    GPtrArray *drives, *devices, *chardevs, *objects, *netdevs, *loaders; /* of char* */
    bool nographic, nodefaults, snapshot;
} Collected;

typedef bool MachineOptionFn(Collected *c, const char *option, const char *value, GError **error);

/* -- property lists: "first,key=value,…" -------------------------------------------------------------------- */

typedef struct Properties {
    char *first; /* the word without '=', or NULL */
    GPtrArray *keys, *values;
} Properties;

/* The words between commas; two commas are one that is meant (file names). */
static GPtrArray *split_words(const char *text) {
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
    GString *word = g_string_new(NULL);
    for (; *text; text++) {
        if (*text == ',' && *++text != ',') {
            g_ptr_array_add(words, g_string_free(word, FALSE));
            word = g_string_new(NULL);
            text--;
        } else {
            g_string_append_c(word, *text);
        }
    }
    g_ptr_array_add(words, g_string_free(word, FALSE));
    return words;
}

/* `first_key`: the key that a first word without '=' stands for is handled by the caller through `first`. */
static Properties *properties_new(const char *text) {
    Properties *p = g_new0(Properties, 1);
    p->keys = g_ptr_array_new_with_free_func(g_free);
    p->values = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) words = split_words(text);
    for (guint i = 0; i < words->len && *text; i++) {
        const char *word = words->pdata[i], *eq = strchr(word, '=');
        if (!eq && i == 0) {
            p->first = g_strdup(word);
            continue;
        }
        g_ptr_array_add(p->keys, eq ? g_strndup(word, (gsize)(eq - word)) : g_strdup(word));
        g_ptr_array_add(p->values, g_strdup(eq ? eq + 1 : "on"));
    }
    return p;
}

static void properties_free(Properties *p) {
    g_free(p->first);
    g_ptr_array_unref(p->keys);
    g_ptr_array_unref(p->values);
    g_free(p);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Properties, properties_free)

/* Value of a key (removed from the list, so that what remains is unknown), or NULL. Caller frees. */
static char *properties_take(Properties *p, const char *key) {
    for (guint i = 0; i < p->keys->len; i++) {
        if (strcmp(p->keys->pdata[i], key))
            continue;
        char *value = g_strdup(p->values->pdata[i]);
        g_ptr_array_remove_index(p->keys, i);
        g_ptr_array_remove_index(p->values, i);
        return value;
    }
    return NULL;
}

static bool properties_finish(const Properties *p, const char *option, const char *supported,
                              GError **error) {
    if (!p->keys->len)
        return true;
    g_set_error(error, CLI_ERROR, 0, "%s: property '%s=%s' is not supported; supported: %s", option,
                (char *)p->keys->pdata[0], (char *)p->values->pdata[0], supported);
    return false;
}

static bool parse_on_off(const char *option, const char *key, const char *value, bool *ret, GError **error) {
    if (!strcmp(value, "on") || !strcmp(value, "true") || !strcmp(value, "yes"))
        *ret = true;
    else if (!strcmp(value, "off") || !strcmp(value, "false") || !strcmp(value, "no"))
        *ret = false;
    else {
        g_set_error(error, CLI_ERROR, 0, "%s: %s=%s: expected on or off", option, key, value);
        return false;
    }
    return true;
}

static bool refuse(const char *option, const char *value, const char *supported, GError **error) {
    g_set_error(error, CLI_ERROR, 0, "%s: '%s' is not supported; supported: %s", option, value, supported);
    return false;
}

/* -- one function per option -------------------------------------------------------------------------------- */

static bool opt_machine(Collected *c, const char *option, const char *value, GError **error) {
    g_autoptr(Properties) p = properties_new(value);
    g_autofree char *type = p->first ? g_strdup(p->first) : properties_take(p, "type");
    if (type && strcmp(type, "virt"))
        return refuse(option, type, "virt", error);
    g_autofree char *aclint = properties_take(p, "aclint");
    if (aclint && !parse_on_off(option, "aclint", aclint, &c->s->config.aclint, error))
        return false;
    g_autofree char *accel = properties_take(p, "accel");
    if (accel && strcmp(accel, "tcg"))
        return refuse("-machine accel", accel, "tcg", error);
    return properties_finish(p, option, "aclint=on|off, accel=tcg", error);
}

static bool opt_cpu(Collected *c, const char *option, const char *value, GError **error) {
    g_autoptr(Properties) p = properties_new(value);
    if (!p->first || !isa_init_model(&c->s->config.isa, p->first))
        return refuse(option, p->first ? p->first : value, "rv64, rva22u64, rva22s64[,ext=on|off…]", error);
    for (guint i = 0; i < p->keys->len; i++)
        if (!isa_set_property(&c->s->config.isa, p->keys->pdata[i], p->values->pdata[i])) {
            g_set_error(error, CLI_ERROR, 0, "-cpu: '%s=%s' is not supported; properties are on|off: %s",
                        (char *)p->keys->pdata[i], (char *)p->values->pdata[i], isa_property_names());
            return false;
        }
    return true;
}

static bool opt_accel(Collected *c, const char *option, const char *value, GError **error) {
    g_autoptr(Properties) p = properties_new(value);
    if (!p->first || strcmp(p->first, "tcg"))
        return refuse(option, p->first ? p->first : value, "tcg[,backend=x86_64|interp]", error);
    g_autofree char *backend = properties_take(p, "backend");
    if (backend && !strcmp(backend, "interp"))
        c->s->tcg.backend = BACKEND_INTERP;
    else if (backend && !strcmp(backend, "x86_64"))
        c->s->tcg.backend = BACKEND_X86_64;
    else if (backend)
        return refuse("-accel tcg,backend", backend, "x86_64, interp", error);
    g_autofree char *size = properties_take(p, "tb-size");
    uint64_t mib;
    if (size && (!parse_count(size, false, &mib) || mib < 1 || mib > 2048))
        return refuse("-accel tcg,tb-size", size, "1 to 2048 (MiB)", error);
    if (size)
        c->s->tcg.code_cache_size = mib << 20;
    g_autofree char *thread = properties_take(p, "thread");
    if (thread && strcmp(thread, "single"))
        return refuse("-accel tcg,thread", thread, "single (harts take turns, deterministically)", error);
    return properties_finish(p, option, "backend, tb-size, thread=single", error);
}

static bool opt_icount(Collected *c, const char *option, const char *value, GError **error) {
    g_autoptr(Properties) p = properties_new(value);
    g_autofree char *shift = p->first ? g_strdup(p->first) : properties_take(p, "shift");
    uint64_t n;
    if (!shift || !parse_count(shift, true, &n) || n > 10)
        return refuse(option, value, "shift=0 to shift=10", error);
    c->s->config.icount_shift = (uint32_t)n;
    g_autofree char *sleep = properties_take(p, "sleep");
    bool on = true;
    if (sleep && !parse_on_off(option, "sleep", sleep, &on, error))
        return false;
    c->s->live.idle_skip |= !on;
    return properties_finish(p, option, "shift=N, sleep=on|off", error);
}

static bool opt_memory(Collected *c, const char *option, const char *value, GError **error) {
    g_autoptr(Properties) p = properties_new(value);
    g_autofree char *size = p->first ? g_strdup(p->first) : properties_take(p, "size");
    uint64_t n;
    if (!size || !parse_count(size, false, &n))
        return refuse(option, value, "a size such as 512M or 2G", error);
    if (g_ascii_isdigit(size[strlen(size) - 1]))
        n = n > (UINT64_MAX >> 20) ? UINT64_MAX : n << 20; /* QEMU: MiB without a suffix */
    if (n < (2u << 20) || n > (64ull << 30) || n % PAGE_SIZE)
        return refuse(option, value, "2M to 64G, a multiple of 4k", error);
    c->s->config.ram_size = n;
    return properties_finish(p, option, "size", error);
}

static bool opt_smp(Collected *c, const char *option, const char *value, GError **error) {
    g_autoptr(Properties) p = properties_new(value);
    g_autofree char *cpus = p->first ? g_strdup(p->first) : properties_take(p, "cpus");
    uint64_t n;
    if (!cpus || !parse_count(cpus, true, &n) || n < 1 || n > MACHINE_MAX_HARTS)
        return refuse(option, value, "1 to 8 harts", error);
    c->s->config.n_harts = (uint32_t)n;
    return properties_finish(p, option, "cpus=N", error);
}

/* Options whose value is just kept: the field is found by name. */
static bool opt_keep(Collected *c, const char *option, const char *value, GError **error) {
    static const struct {
        const char *name;
        size_t offset;
    } fields[] = {
        {"bios", offsetof(Collected, bios)},     {"kernel", offsetof(Collected, kernel)},
        {"initrd", offsetof(Collected, initrd)}, {"dtb", offsetof(Collected, dtb)},
        {"append", offsetof(Collected, append)}, {"nic", offsetof(Collected, nic)},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
        if (!strcmp(option + 1, fields[i].name)) {
            char **field = (char **)((char *)c + fields[i].offset);
            g_free(*field);
            *field = g_strdup(value);
            return true;
        }
    g_assert_not_reached();
}

static bool opt_serial(Collected *c, const char *option, const char *value, GError **error) {
    if (c->serial) {
        g_set_error(error, CLI_ERROR, 0, "-serial: the board has one UART, '%s' would be a second", value);
        return false;
    }
    c->serial = g_strdup(value);
    return true;
}

static bool opt_list(Collected *c, const char *option, const char *value, GError **error) {
    GPtrArray *list = !strcmp(option, "-drive")     ? c->drives
                      : !strcmp(option, "-device")  ? c->devices
                      : !strcmp(option, "-chardev") ? c->chardevs
                      : !strcmp(option, "-object")  ? c->objects
                                                    : c->netdevs;
    g_ptr_array_add(list, g_strdup(value));
    return true;
}

static bool opt_net(Collected *c, const char *option, const char *value, GError **error) {
    return !strcmp(value, "none") || refuse(option, value, "none", error);
}

static bool opt_nographic(Collected *c, const char *option, const char *value, GError **error) {
    c->nographic = true;
    return true;
}

static bool opt_nodefaults(Collected *c, const char *option, const char *value, GError **error) {
    c->nodefaults = true;
    return true;
}

static bool opt_no_reboot(Collected *c, const char *option, const char *value, GError **error) {
    c->s->config.no_reboot = true;
    return true;
}

static bool opt_snapshot(Collected *c, const char *option, const char *value, GError **error) {
    c->snapshot = true;
    return true;
}

static bool opt_display(Collected *c, const char *option, const char *value, GError **error) {
    return !strcmp(value, "none") || refuse(option, value, "none", error);
}

static bool opt_monitor(Collected *c, const char *option, const char *value, GError **error) {
    return !strcmp(value, "none") ||
           refuse(option, value, "none (there is no monitor: replay and ask the database)", error);
}

static bool opt_rtc(Collected *c, const char *option, const char *value, GError **error) {
    g_autoptr(Properties) p = properties_new(value);
    g_autofree char *base = properties_take(p, "base");
    if (base && strcmp(base, "utc") && strcmp(base, "localtime")) {
        g_autofree char *full = strchr(base, 'T') ? g_strdup(base) : g_strdup_printf("%sT00:00:00", base);
        g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
        g_autoptr(GDateTime) when = g_date_time_new_from_iso8601(full, utc);
        if (!when || g_date_time_to_unix(when) < 0)
            return refuse("-rtc base", base, "utc, or a date such as 2026-01-31T12:00:00", error);
        if (g_date_time_to_unix(when) > (gint64)(UINT64_MAX / 1000000000u))
            return refuse("-rtc base", base, "a date that 64 bits of nanoseconds hold (to 2554)", error);
        c->s->live.rtc_fixed = true;
        c->s->live.rtc_ns = (uint64_t)g_date_time_to_unix(when) * 1000000000u;
    } else if (base && !strcmp(base, "localtime")) {
        return refuse("-rtc base", base, "utc, or a date", error);
    }
    g_autofree char *clock = properties_take(p, "clock");
    if (clock && strcmp(clock, "vm"))
        return refuse("-rtc clock", clock, "vm (guest time)", error);
    return properties_finish(p, option, "base=utc|DATE, clock=vm", error);
}

static bool opt_global(Collected *c, const char *option, const char *value, GError **error) {
    g_autofree char *flat = g_strdup(value);
    for (char *at = flat; (at = strchr(at, '_')); at++)
        *at = '-';
    if (!strcmp(flat, "virtio-mmio.force-legacy=false") || !strcmp(flat, "virtio-mmio.force-legacy=off"))
        c->s->config.virtio_legacy = false;
    else if (!strcmp(flat, "virtio-mmio.force-legacy=true") || !strcmp(flat, "virtio-mmio.force-legacy=on"))
        c->s->config.virtio_legacy = true;
    else
        return refuse(option, value, "virtio-mmio.force-legacy=true|false", error);
    return true;
}

static bool opt_name(Collected *c, const char *option, const char *value, GError **error) {
    return true;
}

static bool opt_seed(Collected *c, const char *option, const char *value, GError **error) {
    c->s->live.seeded = true;
    return parse_count(value, true, &c->s->live.seed) || refuse(option, value, "a number", error);
}

static bool opt_pidfile(Collected *c, const char *option, const char *value, GError **error) {
    g_free(c->s->pidfile);
    c->s->pidfile = g_strdup(value);
    return true;
}

static bool opt_pflash(Collected *c, const char *option, const char *value, GError **error) {
    unsigned unit = c->pflash[0] ? 1 : 0;
    if (c->pflash[unit])
        return refuse(option, value, "two flash images at most", error);
    c->pflash[unit] = g_strdup(value);
    return true;
}

static bool opt_gdb(Collected *c, const char *option, const char *value, GError **error) {
    g_set_error(error, CLI_ERROR, 0, "%s: a live run takes no debugger; record it, then debug the recording",
                option);
    return false;
}

/* Every option of MACHINE. `argument` NULL: takes none. */
static const struct MachineOption {
    const char *name, *argument, *help;
    MachineOptionFn *parse;
} machine_options[] = {
    {"-machine", "virt[,aclint=on]", "the board", opt_machine},
    {"-M", "virt", "same as -machine", opt_machine},
    {"-cpu", "rv64|rva22s64[,ext=on|off…]", "the hart and its extensions", opt_cpu},
    {"-accel", "tcg[,backend=interp]", "what executes", opt_accel},
    {"-icount", "shift=N", "one instruction is 2^N ns of guest time (default 0)", opt_icount},
    {"-m", "SIZE", "memory (default 128M)", opt_memory},
    {"-smp", "N", "harts, 1 to 8", opt_smp},
    {"-bios", "FILE|default|none", "firmware (default: OpenSBI's fw_dynamic)", opt_keep},
    {"-kernel", "FILE", "ELF, Linux Image or raw binary", opt_keep},
    {"-initrd", "FILE", "initial ramdisk", opt_keep},
    {"-append", "TEXT", "kernel command line", opt_keep},
    {"-dtb", "FILE", "device tree instead of the board's own", opt_keep},
    {"-drive", "file=F[,format=raw][,if=virtio|none][,id=…][,readonly=on]", "a disk image", opt_list},
    {"-device",
     "virtio-blk-device,drive=ID | virtio-rng-device | virtio-serial-device | virtconsole,chardev=ID | "
     "loader,file=F,addr=A",
     "a device", opt_list},
    {"-netdev", "…", "there is no network device", opt_list},
    {"-nic", "none", "no network", opt_keep},
    {"-net", "none", "no network", opt_net},
    {"-serial", "stdio|mon:stdio|null|none|file:F|pipe:F|chardev:ID", "where the UART goes", opt_serial},
    {"-chardev", "stdio|null|file|pipe,id=ID[,path=F]", "a character backend", opt_list},
    {"-mon", NULL, NULL, NULL},
    {"-monitor", "none", "there is no monitor", opt_monitor},
    {"-display", "none", "there is no display", opt_display},
    {"-nographic", NULL, "UART on the terminal, Ctrl-A x ends", opt_nographic},
    {"-nodefaults", NULL, "no default devices", opt_nodefaults},
    {"-no-reboot", NULL, "a guest reset ends the run", opt_no_reboot},
    {"-snapshot", NULL, "guest disk writes are never put back", opt_snapshot},
    {"-rtc", "base=utc|DATE[,clock=vm]", "the RTC's start", opt_rtc},
    {"-global", "virtio-mmio.force-legacy=false", "a property of all devices of a type", opt_global},
    {"-name", "TEXT", "a name for the run", opt_name},
    {"-seed", "N", "entropy from a generator, so that two runs can be compared", opt_seed},
    {"-pidfile", "FILE", "write the process id", opt_pidfile},
    {"-object", "rng-random,id=ID[,filename=F]", "a source of entropy", opt_list},
    {"-pflash", "FILE", "a flash image", opt_pflash},
    {"-s", NULL, NULL, opt_gdb},
    {"-S", NULL, NULL, opt_gdb},
    {"-gdb", "…", NULL, opt_gdb},
};

void machine_args_help(GString *to) {
    for (size_t i = 0; i < G_N_ELEMENTS(machine_options); i++) {
        const struct MachineOption *o = &machine_options[i];
        if (!o->help)
            continue;
        g_autofree char *left =
            g_strdup_printf("%s%s%s", o->name, o->argument ? " " : "", o->argument ? o->argument : "");
        help_line(to, left, 40, o->help);
    }
}

static const struct MachineOption *machine_option_find(const char *word) {
    const char *name = word[0] == '-' && word[1] == '-' ? word + 1 : word;
    for (size_t i = 0; i < G_N_ELEMENTS(machine_options); i++)
        if (!strcmp(machine_options[i].name, name))
            return machine_options[i].parse ? &machine_options[i] : NULL;
    return NULL;
}

static bool collect(Collected *c, char **words, size_t n, GError **error) {
    for (size_t i = 0; i < n; i++) {
        const char *base = strrchr(words[i], '/');
        if (i == 0 && !strcmp(base ? base + 1 : words[i], "qemu-system-riscv64"))
            continue;
        const struct MachineOption *o = words[i][0] == '-' ? machine_option_find(words[i]) : NULL;
        if (!o) {
            g_set_error(error, CLI_ERROR, 0,
                        words[i][0] == '-' ? "option '%s' is not supported; 'rr-emu help run' lists what is"
                                           : "'%s': expected an option; 'rr-emu help run' lists them",
                        words[i]);
            return false;
        }
        const char *value = NULL;
        if (o->argument) {
            if (i + 1 >= n) {
                g_set_error(error, CLI_ERROR, 0, "%s needs a value: %s %s", o->name, o->name, o->argument);
                return false;
            }
            value = words[++i];
        }
        if (!o->parse(c, o->name, value, error))
            return false;
    }
    return true;
}

/* -- second step: images ------------------------------------------------------------------------------------ */

static bool add_image(MachineConfig *config, ImageRole role, const char *option, const char *path, Gpa addr,
                      GError **error) {
    char *data;
    gsize size;
    GError *why = NULL;
    if (!g_file_get_contents(path, &data, &size, &why)) {
        g_set_error(error, CLI_ERROR, 0, "%s %s: %s", option, path, why->message);
        g_error_free(why);
        return false;
    }
    g_autoptr(GBytes) bytes = g_bytes_new_take(data, size);
    g_ptr_array_add(config->images, machine_image_new(role, path, g_bytes_ref(bytes), addr));
    return true;
}

/* Where Debian's opensbi package and QEMU's own data keep the firmware. */
static const char *const bios_places[] = {
    "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin",
    "/usr/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin",
    "/usr/local/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin",
};

static bool add_bios(Collected *c, GError **error) {
    const char *bios = c->bios ? c->bios : "default";
    if (!strcmp(bios, "none"))
        return true;
    if (strcmp(bios, "default"))
        return add_image(&c->s->config, IMAGE_BIOS, "-bios", bios, 0, error);
    for (size_t i = 0; i < G_N_ELEMENTS(bios_places); i++)
        if (!access(bios_places[i], R_OK))
            return add_image(&c->s->config, IMAGE_BIOS, "-bios", bios_places[i], 0, error);
    g_set_error(error, CLI_ERROR, 0,
                "-bios default: no OpenSBI at %s; install Debian's package 'opensbi' or give -bios FILE",
                bios_places[0]);
    return false;
}

static bool add_images(Collected *c, GError **error) {
    MachineConfig *config = &c->s->config;
    static const struct {
        size_t offset;
        ImageRole role;
        const char *option;
    } files[] = {
        {offsetof(Collected, kernel), IMAGE_KERNEL, "-kernel"},
        {offsetof(Collected, initrd), IMAGE_INITRD, "-initrd"},
        {offsetof(Collected, dtb), IMAGE_DTB, "-dtb"},
        {offsetof(Collected, pflash[0]), IMAGE_PFLASH0, "-pflash"},
        {offsetof(Collected, pflash[1]), IMAGE_PFLASH1, "-pflash"},
    };
    if (!add_bios(c, error))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        const char *path = *(char **)((char *)c + files[i].offset);
        if (path && !add_image(config, files[i].role, files[i].option, path, 0, error))
            return false;
    }
    if ((c->append || c->initrd) && !c->kernel) {
        g_set_error(error, CLI_ERROR, 0, "%s needs -kernel", c->initrd ? "-initrd" : "-append");
        return false;
    }
    config->append = g_strdup(c->append);
    return true;
}

/* -- second step: drives and devices ------------------------------------------------------------------------ */

/* What QEMU would find out by itself where no format= says so; taken as raw it would be another disk without a word. */
static const char *image_format(int fd) {
    static const struct {
        const char *magic, *name;
    } formats[] = {{"QFI\xfb", "qcow2"}, {"KDMV", "vmdk"}, {"vhdxfile", "vhdx"}, {"QED", "qed"}};
    char head[8] = {0};
    bool is_read = pread(fd, head, sizeof head, 0) == sizeof head;
    for (size_t i = 0; is_read && i < G_N_ELEMENTS(formats); i++)
        if (!memcmp(head, formats[i].magic, strlen(formats[i].magic)))
            return formats[i].name;
    return NULL;
}

/* Opens d->path and finds its size. */
static bool open_image(DriveSetup *d, bool probe, int *ret, GError **error) {
    int fd = open(d->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO is refused, not waited for */
    struct stat st;
    if (fd < 0 || fstat(fd, &st)) {
        g_set_error(error, CLI_ERROR, 0, "-drive file=%s: %s", d->path, g_strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    *ret = fd;
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
        g_set_error(error, CLI_ERROR, 0, "-drive file=%s: expected a file or a block device", d->path);
        return false;
    }
    d->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : (uint64_t)lseek(fd, 0, SEEK_END);
    const char *format = probe ? image_format(fd) : NULL;
    if (format) {
        g_set_error(error, CLI_ERROR, 0,
                    "-drive file=%s: a %s image; expected raw (convert it with 'qemu-img convert -O raw', or "
                    "say format=raw)",
                    d->path, format);
        return false;
    }
    if (d->size >= 512 && d->size % 512 == 0)
        return true;
    g_set_error(error, CLI_ERROR, 0,
                "-drive file=%s: %" G_GUINT64_FORMAT " bytes; expected a multiple of 512 above 0", d->path,
                d->size);
    return false;
}

static bool add_drive(Collected *c, const char *text, GError **error) {
    MachineSetup *s = c->s;
    if (s->n_drives == LIVE_MAX_DRIVES) {
        g_set_error(error, CLI_ERROR, 0, "-drive: at most %d drives", LIVE_MAX_DRIVES);
        return false;
    }
    DriveSetup *d = &s->drives[s->n_drives];
    g_autoptr(Properties) p = properties_new(text);
    g_autofree char *file = properties_take(p, "file"), *format = properties_take(p, "format");
    g_autofree char *interface = properties_take(p, "if"), *readonly = properties_take(p, "readonly");
    g_autofree char *snapshot = properties_take(p, "snapshot"), *cache = properties_take(p, "cache");
    g_autofree char *media = properties_take(p, "media"), *index = properties_take(p, "index");
    uint64_t at;
    d->id = properties_take(p, "id");
    if (!d->id)
        d->id = g_strdup_printf("drive%u", s->n_drives);
    if (!file)
        return refuse("-drive", text, "file=FILE,…", error);
    if (format && strcmp(format, "raw"))
        return refuse("-drive format", format, "raw (convert with 'qemu-img convert -O raw')", error);
    if (interface && strcmp(interface, "virtio") && strcmp(interface, "none"))
        return refuse("-drive if", interface, "virtio, none", error);
    if (media && strcmp(media, "disk"))
        return refuse("-drive media", media, "disk", error);
    static const char *const caches[] = {"none", "writeback", "writethrough", "directsync", "unsafe", NULL};
    if (cache && !g_strv_contains(caches, cache))
        return refuse("-drive cache", cache,
                      "none, writeback, writethrough, directsync, unsafe (all the same here)", error);
    if (index && (!parse_count(index, true, &at) || at != s->n_drives))
        return refuse("-drive index", index, "the drive's place among the -drive options", error);
    if (readonly && !parse_on_off("-drive", "readonly", readonly, &d->readonly, error))
        return false;
    d->snapshot = c->snapshot;
    if (snapshot && !parse_on_off("-drive", "snapshot", snapshot, &d->snapshot, error))
        return false;
    if (!properties_finish(
            p, "-drive", "file, format=raw, if=virtio|none, id, readonly, snapshot, media=disk, cache, index",
            error))
        return false;
    d->path = g_steal_pointer(&file);
    if (!open_image(d, !format, &s->live.drive_fds[s->n_drives++], error))
        return false;
    if (!interface || !strcmp(interface, "virtio"))
        g_ptr_array_add(c->devices, g_strdup_printf("virtio-blk,drive=%s", d->id));
    return true;
}

/* The slot that "bus=virtio-mmio-bus.N" names, or without `bus` the next free one. */
static VirtioSlotConfig *free_slot(MachineSetup *s, const char *text, const char *bus, GError **error) {
    static const char prefix[] = "virtio-mmio-bus.";
    uint64_t n;
    if (bus && (!g_str_has_prefix(bus, prefix) || !parse_count(bus + strlen(prefix), true, &n) ||
                n >= MACHINE_VIRTIO_SLOTS))
        return refuse("-device bus", bus, "virtio-mmio-bus.0 to virtio-mmio-bus.7", error), NULL;
    if (bus && s->config.virtio[n].kind == VIRTIO_NONE)
        return &s->config.virtio[n];
    if (bus) {
        g_set_error(error, CLI_ERROR, 0, "-device %s: %s is taken", text, bus);
        return NULL;
    }
    for (int i = MACHINE_VIRTIO_SLOTS - 1; i >= 0;
         i--) /* QEMU's order: Linux finds the first -device first */
        if (s->config.virtio[i].kind == VIRTIO_NONE)
            return &s->config.virtio[i];
    g_set_error(error, CLI_ERROR, 0, "-device %s: all %d virtio-mmio slots are taken", text,
                MACHINE_VIRTIO_SLOTS);
    return NULL;
}

static bool open_port(Collected *c, unsigned port, const char *text, GError **error);

static bool device_blk(Collected *c, const char *text, Properties *p, VirtioSlotConfig *slot,
                       GError **error) {
    g_autofree char *drive = properties_take(p, "drive");
    for (unsigned i = 0; drive && i < c->s->n_drives; i++) {
        DriveSetup *d = &c->s->drives[i];
        if (strcmp(d->id, drive))
            continue;
        if (d->attached) {
            g_set_error(error, CLI_ERROR, 0, "-device %s: drive '%s' is attached already", text, drive);
            return false;
        }
        d->attached = true;
        *slot = (VirtioSlotConfig){.kind = VIRTIO_BLK,
                                   .id = g_steal_pointer(&drive),
                                   .drive = i,
                                   .sectors = d->size / 512,
                                   .readonly = d->readonly};
        return true;
    }
    g_set_error(error, CLI_ERROR, 0, "-device %s: no drive '%s'; give -drive id=%s,if=none,file=…", text,
                drive ? drive : "", drive ? drive : "ID");
    return false;
}

static bool device_console(Collected *c, const char *text, Properties *p, GError **error) {
    g_autofree char *chardev = properties_take(p, "chardev"), *name = properties_take(p, "name");
    if (!chardev)
        return refuse("-device virtconsole", text, "chardev=ID", error);
    VirtioSlotConfig *slot =
        free_slot(c->s, text, NULL, error); /* its bus is a virtio-serial-device, which is no slot here */
    if (!slot)
        return false;
    *slot = (VirtioSlotConfig){.kind = VIRTIO_CONSOLE, .id = g_strdup(chardev)};
    g_autofree char *backend = g_strdup_printf("chardev:%s", chardev);
    return open_port(c, c->s->config.n_console++, backend, error);
}

static bool device_loader(Collected *c, const char *text, Properties *p, GError **error) {
    g_autofree char *file = properties_take(p, "file"), *addr = properties_take(p, "addr"),
                    *raw = properties_take(p, "force-raw");
    uint64_t at = 0;
    bool force = false;
    if (raw && !parse_on_off("-device loader", "force-raw", raw, &force, error))
        return false;
    if (!file || !addr || !parse_count(addr, false, &at))
        return refuse("-device loader", text, "file=FILE,addr=ADDRESS", error);
    GPtrArray *images = c->s->config.images;
    if (!add_image(&c->s->config, IMAGE_LOADER, "-device loader", file, at, error))
        return false;
    gsize size;
    const uint8_t *bytes = g_bytes_get_data(((MachineImage *)images->pdata[images->len - 1])->data, &size);
    return !force || size < 4 || memcmp(bytes, "\177ELF", 4) ||
           refuse("-device loader,force-raw", raw, "off for an ELF file", error);
}

static bool object_exists(const Collected *c, const char *id, GError **error) {
    for (guint i = 0; i < c->objects->len; i++) {
        g_autoptr(Properties) p = properties_new(c->objects->pdata[i]);
        g_autofree char *own = properties_take(p, "id");
        if (!g_strcmp0(own, id))
            return true;
    }
    g_set_error(error, CLI_ERROR, 0,
                "-device …,rng=%s: no -object has that id; give -object rng-random,id=%s", id, id);
    return false;
}

static bool add_device(Collected *c, const char *text, GError **error) {
    g_autoptr(Properties) p = properties_new(text);
    const char *type = p->first ? p->first : text;
    g_autofree char *id = properties_take(p, "id"), *bus = properties_take(p, "bus");
    if (g_str_has_suffix(type, "-pci")) {
        g_autofree char *stem = g_strndup(type, strlen(type) - 4);
        g_set_error(error, CLI_ERROR, 0, "-device %s: there is no PCI bus yet; use %s-device", type, stem);
        return false;
    }
    static const char *const generic[] = {"virtio-blk", "virtio-rng", "virtio-serial"};
    for (size_t i = 0; i < G_N_ELEMENTS(generic); i++)
        if (!strcmp(type, generic[i]))
            g_ptr_array_add(c->s->notes, g_strdup_printf("%s is on virtio-mmio (%s-device)", type, type));
    bool ok;
    if (!strcmp(type, "loader")) {
        ok = device_loader(c, text, p, error);
    } else if (!strcmp(type, "virtconsole")) {
        ok = device_console(c, text, p, error);
    } else if (!strcmp(type, "virtio-serial-device") || !strcmp(type, "virtio-serial")) {
        ok = true; /* the bus; each virtconsole is a device of its own here */
    } else if (!strcmp(type, "virtio-blk-device") || !strcmp(type, "virtio-blk")) {
        VirtioSlotConfig *slot = free_slot(c->s, text, bus, error);
        ok = slot && device_blk(c, text, p, slot, error);
    } else if (!strcmp(type, "virtio-rng-device") || !strcmp(type, "virtio-rng")) {
        VirtioSlotConfig *slot = free_slot(c->s, text, bus, error);
        g_autofree char *rng = properties_take(p, "rng");
        ok = slot && (!rng || object_exists(c, rng, error));
        if (ok) {
            *slot = (VirtioSlotConfig){.kind = VIRTIO_RNG, .id = g_strdup(rng ? rng : "rng0")};
        }
    } else {
        return refuse("-device", type,
                      "virtio-blk-device, virtio-rng-device, virtio-serial-device, virtconsole, loader",
                      error);
    }
    return ok && properties_finish(p, "-device", "id, bus, drive, rng, chardev, file, addr", error);
}

static bool add_object(Collected *c, const char *text, GError **error) {
    g_autoptr(Properties) p = properties_new(text);
    g_autofree char *id = properties_take(p, "id"), *file = properties_take(p, "filename");
    if (!p->first || (strcmp(p->first, "rng-random") && strcmp(p->first, "rng-builtin")))
        return refuse("-object", text, "rng-random,id=ID[,filename=FILE], rng-builtin,id=ID", error);
    if (!id)
        return refuse("-object", text, "id=ID", error);
    if (file && c->s->live.rng_path && strcmp(file, c->s->live.rng_path))
        return refuse("-object filename", file, "one source of entropy for all devices", error);
    if (file) {
        g_free(c->s->live.rng_path);
        c->s->live.rng_path = g_steal_pointer(&file);
    }
    return properties_finish(p, "-object", "id, filename", error);
}

/* -- second step: character backends ------------------------------------------------------------------------ */

/* "chardev:ID" → the -chardev's own words, rewritten in -serial's form. */
static char *chardev_spec(Collected *c, const char *id, LivePort *port, GError **error) {
    for (guint i = 0; i < c->chardevs->len; i++) {
        g_autoptr(Properties) p = properties_new(c->chardevs->pdata[i]);
        g_autofree char *own = properties_take(p, "id"), *path = properties_take(p, "path");
        g_autofree char *mux_text = properties_take(p, "mux"), *signals = properties_take(p, "signal");
        if (g_strcmp0(own, id))
            continue;
        if ((mux_text && !parse_on_off("-chardev", "mux", mux_text, &port->mux, error)) ||
            (signals && !parse_on_off("-chardev", "signal", signals, &port->signals, error)) ||
            !properties_finish(p, "-chardev", "id, path, mux, signal", error))
            return NULL;
        return path ? g_strdup_printf("%s:%s", p->first ? p->first : "", path)
                    : g_strdup(p->first ? p->first : "");
    }
    g_set_error(error, CLI_ERROR, 0, "no -chardev has id=%s", id);
    return NULL;
}

static bool open_pipe(LivePort *port, const char *path, GError **error) {
    g_autofree char *in = g_strconcat(path, ".in", NULL), *out = g_strconcat(path, ".out", NULL);
    bool pair = !access(in, F_OK) && !access(out, F_OK);
    port->in_fd = open(pair ? in : path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    port->out_fd = pair ? open(out, O_RDWR | O_CLOEXEC) : port->in_fd;
    if (port->in_fd >= 0 && port->out_fd >= 0)
        return true;
    g_set_error(error, CLI_ERROR, 0, "pipe:%s: %s", path, g_strerror(errno));
    return false;
}

static bool open_port(Collected *c, unsigned number, const char *text, GError **error) {
    LivePort *port = &c->s->live.ports[number];
    g_autofree char *spec = NULL;
    port->signals = true;
    if (g_str_has_prefix(text, "chardev:")) {
        spec = chardev_spec(c, text + 8, port, error);
        if (!spec)
            return false;
        text = spec;
    }
    if (g_str_has_prefix(text, "mon:")) {
        port->mux = true;
        port->signals = false;
        text += 4;
    }
    if (!strcmp(text, "stdio")) {
        for (unsigned i = 0; i < LIVE_MAX_PORTS; i++)
            if (c->s->live.ports[i].in_fd == STDIN_FILENO)
                return refuse("stdio", text, "one user of the terminal", error);
        port->in_fd = STDIN_FILENO;
        port->out_fd = STDOUT_FILENO;
        return true;
    }
    if (!strcmp(text, "null") || !strcmp(text, "none"))
        return true;
    if (g_str_has_prefix(text, "file:")) {
        port->out_fd = open(text + 5, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (port->out_fd < 0)
            g_set_error(error, CLI_ERROR, 0, "-serial %s: %s", text, g_strerror(errno));
        return port->out_fd >= 0;
    }
    if (g_str_has_prefix(text, "pipe:"))
        return open_pipe(port, text + 5, error);
    return refuse("-serial", text, "stdio, mon:stdio, null, none, file:FILE, pipe:FILE, chardev:ID", error);
}

/* ----------------------------------------------------------------------------------------------------------- */

static bool build(Collected *c, GError **error) {
    MachineSetup *s = c->s;
    s->config.n_console = 1;
    if (c->nic && strcmp(c->nic, "none"))
        return refuse("-nic", c->nic, "none", error);
    if (c->netdevs->len)
        return refuse("-netdev", c->netdevs->pdata[0], "none (there is no network device yet)", error);
    /* As in QEMU, -nographic puts the UART with the escape keys on the terminal; without a display there is no other place. */
    if (!open_port(c, 0,
                   c->serial                        ? c->serial
                   : c->nodefaults && !c->nographic ? "null"
                                                    : "mon:stdio",
                   error))
        return false;
    for (guint i = 0; i < c->drives->len; i++)
        if (!add_drive(c, c->drives->pdata[i], error))
            return false;
    for (guint i = 0; i < c->objects->len; i++)
        if (!add_object(c, c->objects->pdata[i], error))
            return false;
    for (guint i = 0; i < c->devices->len; i++)
        if (!add_device(c, c->devices->pdata[i], error))
            return false;
    return add_images(c, error);
}

static void collected_done(Collected *c) {
    char *strings[] = {c->bios,   c->kernel, c->initrd,    c->dtb,      c->append,
                       c->serial, c->nic,    c->pflash[0], c->pflash[1]};
    for (size_t i = 0; i < G_N_ELEMENTS(strings); i++)
        g_free(strings[i]);
    GPtrArray *lists[] = {c->drives, c->devices, c->chardevs, c->objects, c->netdevs};
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        g_ptr_array_unref(lists[i]);
}

bool machine_setup_parse(MachineSetup *s, char **words, size_t n, GError **error) {
    memset(s, 0, sizeof *s);
    machine_config_init(&s->config);
    live_config_init(&s->live);
    s->notes = g_ptr_array_new_with_free_func(g_free);
    Collected c = {.s = s};
    GPtrArray **lists[] = {&c.drives, &c.devices, &c.chardevs, &c.objects, &c.netdevs};
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        *lists[i] = g_ptr_array_new_with_free_func(g_free);
    bool ok = collect(&c, words, n, error) && build(&c, error);
    collected_done(&c);
    return ok;
}

void machine_setup_done(MachineSetup *s) {
    machine_config_done(&s->config);
    live_config_done(&s->live);
    for (unsigned i = 0; i < LIVE_MAX_DRIVES; i++) {
        g_free(s->drives[i].id);
        g_free(s->drives[i].path);
    }
    g_clear_pointer(&s->notes, g_ptr_array_unref);
    g_free(s->pidfile);
}

bool machine_setup_dump(TcgOptions *tcg, const char *text, GError **error) {
    static const char *const stages[] = {"guest", "ir", "opt", "host"};
    g_auto(GStrv) words = g_strsplit(text, ",", -1);
    for (int i = 0; words[i]; i++) {
        bool known = false;
        for (unsigned k = 0; k < G_N_ELEMENTS(stages); k++)
            if (!strcmp(words[i], stages[k])) {
                tcg->dump |= 1u << k;
                known = true;
            }
        for (unsigned k = 0; g_str_has_prefix(words[i], "nopt=") && tcg_pass_name(k); k++)
            if (!strcmp(words[i] + 5, tcg_pass_name(k))) {
                tcg->disabled_passes |= 1u << k;
                known = true;
            }
        if (!known)
            return refuse("-d", words[i],
                          "guest, ir, opt, host, nopt=PASS (passes: fold, dead, direct, misaligned)", error);
    }
    return true;
}
