/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -drive, -device and -object: which device is in which virtio-mmio slot, and what is behind it. */
#include "cli/machine_build.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/properties.h"

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

bool build_drive(Collected *c, const char *text, GError **error) {
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
    return build_port(c, c->s->config.n_console++, backend, error);
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
    if (!build_image(&c->s->config, IMAGE_LOADER, "-device loader", file, at, error))
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

bool build_device(Collected *c, const char *text, GError **error) {
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

bool build_object(Collected *c, const char *text, GError **error) {
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
