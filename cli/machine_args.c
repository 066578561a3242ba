/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/machine_args.h"

#include <string.h>

#include "cli/args.h"
#include "cli/machine_build.h"
#include "cli/properties.h"

typedef bool MachineOptionFn(Collected *c, const char *option, const char *value, GError **error);

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

static bool build(Collected *c, GError **error) {
    MachineSetup *s = c->s;
    s->config.n_console = 1;
    if (c->nic && strcmp(c->nic, "none"))
        return refuse("-nic", c->nic, "none", error);
    if (c->netdevs->len)
        return refuse("-netdev", c->netdevs->pdata[0], "none (there is no network device yet)", error);
    /* As in QEMU, -nographic puts the UART with the escape keys on the terminal; without a display there is no other place. */
    if (!build_port(c, 0,
                    c->serial                        ? c->serial
                    : c->nodefaults && !c->nographic ? "null"
                                                     : "mon:stdio",
                    error))
        return false;
    for (guint i = 0; i < c->drives->len; i++)
        if (!build_drive(c, c->drives->pdata[i], error))
            return false;
    for (guint i = 0; i < c->objects->len; i++)
        if (!build_object(c, c->objects->pdata[i], error))
            return false;
    for (guint i = 0; i < c->devices->len; i++)
        if (!build_device(c, c->devices->pdata[i], error))
            return false;
    return build_images(c, error);
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
        if (!known) {
            g_autoptr(GString) supported = g_string_new("guest, ir, opt, host, nopt=PASS (passes:");
            for (unsigned k = 0; tcg_pass_name(k); k++)
                g_string_append_printf(supported, "%s %s", k ? "," : "", tcg_pass_name(k));
            g_string_append_c(supported, ')');
            return refuse("-d", words[i], supported->str, error);
        }
    }
    return true;
}
