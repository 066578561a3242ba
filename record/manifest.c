/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manifest is a list of items: LE16 tag, LE32 length, value. One table names the tags; docs/format.md
 * says what each holds. Every tag but those marked below occurs at most once; an unknown one is an error,
 * because the format version says which exist.
 */
#include "record/manifest.h"

#include <string.h>
#include <xxhash.h>

#include "record/frame.h"
#include "schema/version.h"

#define VIRTIO_FIXED 27u /* bytes of a VIRTIO item before the id */
#define IMAGE_FIXED 28u  /* bytes of an IMAGE item before the name */
#define SECTORS_MAX ((uint64_t)INT64_MAX / 512)

/*   tag, NAME, length (0: any), may repeat */
#define MANIFEST_ITEMS(X)                                                                                    \
    X(1, ID, 16, false)                                                                                      \
    X(2, COMMAND, 0, false)                                                                                  \
    X(3, VERSION, 0, false)                                                                                  \
    X(4, CREATED, 8, false)                                                                                  \
    X(5, ISA, 0, false)                                                                                      \
    X(6, HARTS, 4, false)                                                                                    \
    X(7, RAM, 8, false)                                                                                      \
    X(8, SHIFT, 4, false)                                                                                    \
    X(9, SEED, 8, false)                                                                                     \
    X(10, RTC, 8, false)                                                                                     \
    X(11, FLAGS, 4, false)                                                                                   \
    X(12, APPEND, 0, false)                                                                                  \
    X(13, CONSOLES, 4, false)                                                                                \
    X(14, VIRTIO, 0, true)                                                                                   \
    X(15, IMAGE, 0, true)

typedef enum {
#define X(number, name, length, repeats) TAG_##name = number,
    MANIFEST_ITEMS(X)
#undef X
        TAG_COUNT
} Tag;

/* Tags that need not be there. */
#define TAGS_OPTIONAL (1u << TAG_APPEND | 1u << TAG_VIRTIO | 1u << TAG_IMAGE)

static const struct {
    uint32_t length;
    bool repeats;
} items[TAG_COUNT] = {
#define X(number, name, length, repeats) [number] = {length, repeats},
    MANIFEST_ITEMS(X)
#undef X
};

enum { FLAG_ACLINT = 1, FLAG_NO_REBOOT = 2, FLAG_VIRTIO_LEGACY = 4, FLAGS_KNOWN = 7 };

uint64_t image_hash(GBytes *data) {
    gsize size;
    const void *at = g_bytes_get_data(data, &size);
    return XXH64(at, size, 0);
}

void rec_info_clear(RecInfo *info) {
    g_free(info->id_text);
    g_free(info->command);
    g_free(info->version);
    *info = (RecInfo){0};
}

void image_entry_clear(ImageEntry *entry) {
    g_clear_pointer(&entry->name, g_free);
}

/* -- encoding -- */

static void put_item(GByteArray *out, Tag tag, const void *data, size_t size) {
    put_uint(out, tag, 2);
    put_uint(out, size, 4);
    put_bytes(out, data, size);
}

static void put_item_uint(GByteArray *out, Tag tag, uint64_t value) {
    put_uint(out, tag, 2);
    put_uint(out, items[tag].length, 4);
    put_uint(out, value, items[tag].length);
}

static void put_item_text(GByteArray *out, Tag tag, const char *text) {
    put_item(out, tag, text, strlen(text));
}

/* "i=on,m=on,…": every property of -cpu by name, so that a new extension does not change the layout. */
static char *isa_text(const Isa *isa) {
    GString *text = g_string_new(NULL);
#define X(field, name, ...)                                                                                  \
    g_string_append_printf(text, "%s%s=%s", text->len ? "," : "", name, isa->field ? "on" : "off");
    ISA_EXTENSIONS(X)
    ISA_SWITCHES(X)
#undef X
    return g_string_free(text, FALSE);
}

static void put_virtio(GByteArray *out, uint32_t slot, const VirtioSlotConfig *v) {
    g_autoptr(GByteArray) item = g_byte_array_new();
    put_uint(item, slot, 4);
    put_uint(item, v->kind, 4);
    put_uint(item, v->drive, 4);
    put_uint(item, v->sectors, 8);
    put_uint(item, v->readonly, 1);
    put_bytes(item, v->mac, sizeof v->mac);
    g_assert(item->len == VIRTIO_FIXED);
    put_bytes(item, v->id ? v->id : "", v->id ? strlen(v->id) : 0);
    put_item(out, TAG_VIRTIO, item->data, item->len);
}

static void put_image(GByteArray *out, const MachineImage *image) {
    g_autoptr(GByteArray) item = g_byte_array_new();
    put_uint(item, image->role, 4);
    put_uint(item, image->addr, 8);
    put_uint(item, g_bytes_get_size(image->data), 8);
    put_uint(item, image_hash(image->data), 8);
    g_assert(item->len == IMAGE_FIXED);
    put_bytes(item, image->name ? image->name : "", image->name ? strlen(image->name) : 0);
    put_item(out, TAG_IMAGE, item->data, item->len);
}

void manifest_encode(GByteArray *out, const RecInfo *info, const MachineConfig *config) {
    g_autofree char *isa = isa_text(&config->isa);
    put_item(out, TAG_ID, info->id, sizeof info->id);
    put_item_text(out, TAG_COMMAND, info->command);
    put_item_text(out, TAG_VERSION, info->version);
    put_item_uint(out, TAG_CREATED, (uint64_t)info->created_unix);
    put_item_text(out, TAG_ISA, isa);
    put_item_uint(out, TAG_HARTS, config->n_harts);
    put_item_uint(out, TAG_RAM, config->ram_size);
    put_item_uint(out, TAG_SHIFT, config->icount_shift);
    put_item_uint(out, TAG_SEED, config->schedule_seed);
    put_item_uint(out, TAG_RTC, config->rtc_base_ns);
    put_item_uint(out, TAG_FLAGS,
                  (config->aclint ? FLAG_ACLINT : 0) | (config->no_reboot ? FLAG_NO_REBOOT : 0) |
                      (config->virtio_legacy ? FLAG_VIRTIO_LEGACY : 0));
    if (config->append)
        put_item_text(out, TAG_APPEND, config->append);
    put_item_uint(out, TAG_CONSOLES, config->n_console);
    for (uint32_t i = 0; i < MACHINE_VIRTIO_SLOTS; i++)
        if (config->virtio[i].kind != VIRTIO_NONE)
            put_virtio(out, i, &config->virtio[i]);
    for (guint i = 0; i < config->images->len; i++)
        put_image(out, config->images->pdata[i]);
}

/* -- decoding -- */

typedef struct Decoder {
    RecInfo *info;
    MachineConfig *config;
    GArray *images;
    const char *what;
} Decoder;

static bool fail(Decoder *d, const char *what) {
    d->what = what;
    return false;
}

static char *take_text(Decoder *d, const uint8_t *data, size_t size) {
    if (memchr(data, 0, size) || !g_utf8_validate((const char *)data, (gssize)size, NULL)) {
        d->what = "a text in the manifest is not UTF-8";
        return NULL;
    }
    return g_strndup((const char *)data, size);
}

/* A file's name may be any bytes but NUL. */
static char *take_name(Decoder *d, const uint8_t *data, size_t size) {
    if (memchr(data, 0, size)) {
        d->what = "a name in the manifest holds a NUL";
        return NULL;
    }
    return g_strndup((const char *)data, size);
}

static bool take_isa(Decoder *d, const uint8_t *data, size_t size) {
    g_autofree char *text = take_text(d, data, size);
    if (!text)
        return false;
    g_auto(GStrv) properties = g_strsplit(text, ",", -1);
    for (char **p = properties; *p; p++) {
        char *value = strchr(*p, '=');
        if (!value)
            return fail(d, "the manifest's ISA is malformed");
        *value++ = '\0';
        if (!isa_set_property(&d->config->isa, *p, value))
            return fail(d, "the manifest's ISA names an extension that this release does not know");
    }
    return true;
}

static bool take_flags(Decoder *d, uint32_t flags) {
    d->config->aclint = flags & FLAG_ACLINT;
    d->config->no_reboot = flags & FLAG_NO_REBOOT;
    d->config->virtio_legacy = flags & FLAG_VIRTIO_LEGACY;
    return !(flags & ~(uint32_t)FLAGS_KNOWN) || fail(d, "the manifest has unknown flags");
}

static bool take_virtio(Decoder *d, Bytes *b) {
    uint32_t slot = (uint32_t)get_uint(b, 4), kind = (uint32_t)get_uint(b, 4);
    VirtioSlotConfig v = {.kind = (VirtioKind)kind};
    v.drive = (uint32_t)get_uint(b, 4);
    v.sectors = get_uint(b, 8);
    v.readonly = get_uint(b, 1);
    const uint8_t *mac = get_bytes(b, sizeof v.mac);
    if (b->bad || slot >= MACHINE_VIRTIO_SLOTS || kind < VIRTIO_NET || kind > VIRTIO_RNG ||
        v.sectors > SECTORS_MAX || d->config->virtio[slot].kind)
        return fail(d, "a virtio slot in the manifest is malformed");
    memcpy(v.mac, mac, sizeof v.mac);
    v.id = take_name(d, b->data + b->at, b->size - b->at);
    d->config->virtio[slot] = v;
    return v.id != NULL;
}

static bool take_image(Decoder *d, Bytes *b) {
    uint32_t role = (uint32_t)get_uint(b, 4);
    ImageEntry entry = {.role = (ImageRole)role};
    entry.addr = get_uint(b, 8);
    entry.size = get_uint(b, 8);
    entry.hash = get_uint(b, 8);
    if (b->bad || role >= IMAGE_ROLES)
        return fail(d, "an image in the manifest is malformed");
    entry.name = take_name(d, b->data + b->at, b->size - b->at);
    if (!entry.name)
        return false;
    g_array_append_val(d->images, entry);
    return true;
}

static bool take_item(Decoder *d, Tag tag, Bytes *b) {
    switch (tag) {
    case TAG_ID: memcpy(d->info->id, b->data, sizeof d->info->id); return true;
    case TAG_COMMAND: return (d->info->command = take_name(d, b->data, b->size)) != NULL;
    case TAG_VERSION: return (d->info->version = take_text(d, b->data, b->size)) != NULL;
    case TAG_CREATED: d->info->created_unix = (int64_t)get_uint(b, 8); return true;
    case TAG_ISA: return take_isa(d, b->data, b->size);
    case TAG_HARTS: d->config->n_harts = (uint32_t)get_uint(b, 4); return true;
    case TAG_RAM: d->config->ram_size = get_uint(b, 8); return true;
    case TAG_SHIFT: d->config->icount_shift = (uint32_t)get_uint(b, 4); return true;
    case TAG_SEED: d->config->schedule_seed = get_uint(b, 8); return true;
    case TAG_RTC: d->config->rtc_base_ns = get_uint(b, 8); return true;
    case TAG_FLAGS: return take_flags(d, (uint32_t)get_uint(b, 4));
    case TAG_APPEND: return (d->config->append = take_name(d, b->data, b->size)) != NULL;
    case TAG_CONSOLES: d->config->n_console = (uint32_t)get_uint(b, 4); return true;
    case TAG_VIRTIO: return take_virtio(d, b);
    case TAG_IMAGE: return take_image(d, b);
    case TAG_COUNT: break;
    }
    g_assert_not_reached();
}

static bool take_all(Decoder *d, Bytes *b) {
    uint32_t seen = 0;
    while (bytes_left(b)) {
        uint32_t tag = (uint32_t)get_uint(b, 2), size = (uint32_t)get_uint(b, 4);
        const uint8_t *at = get_bytes(b, size);
        if (!at)
            return fail(d, "the manifest's items do not fit");
        if (!tag || tag >= TAG_COUNT || (items[tag].length && size != items[tag].length))
            return fail(d, "the manifest has an item that this release does not know");
        if ((seen & 1u << tag) && !items[tag].repeats)
            return fail(d, "the manifest has an item twice");
        seen |= 1u << tag;
        if (!take_item(d, (Tag)tag, &(Bytes){at, size, 0, false}))
            return false;
    }
    const uint32_t all = ((1u << TAG_COUNT) - 2) & ~TAGS_OPTIONAL;
    return (seen & all) == all || fail(d, "the manifest lacks an item");
}

bool manifest_decode(const uint8_t *data, size_t size, RecInfo *info, MachineConfig *config, GArray *images,
                     const char **what) {
    Decoder d = {info, config, images, NULL};
    machine_config_init(config);
    if (!take_all(&d, &(Bytes){data, size, 0, false})) {
        *what = d.what;
        return false;
    }
    GString *id = g_string_new(NULL);
    for (unsigned i = 0; i < sizeof info->id; i++)
        g_string_append_printf(id, "%02x", info->id[i]);
    info->id_text = g_string_free(id, FALSE);
    return true;
}
