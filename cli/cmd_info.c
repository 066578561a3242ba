/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `info`, `list`, `rm`: recordings as files. */
#include "cli/cli.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const parts[] = {"manifest", "images", "events", "checkpoints", "console"};

static const struct {
    NdKind kind;
    const char *name;
} kinds[] = {
#define X(number, name, text, meaning) {ND_##name, text},
    ND_KINDS(X)
#undef X
};

typedef struct Counts {
    uint64_t events[G_N_ELEMENTS(kinds)], bytes[G_N_ELEMENTS(kinds)];
} Counts;

static Counts count_events(const Rec *rec) {
    Counts c = {0};
    for (size_t i = 0; i < rec_n_events(rec); i++)
        for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++)
            if (rec_event(rec, i)->kind == kinds[k].kind) {
                c.events[k]++;
                c.bytes[k] += rec_event(rec, i)->size;
            }
    return c;
}

/* -- JSON: integers beyond 2^53 as strings, as everywhere --------------------------------------------------- */

static void json_uint(JsonBuilder *b, const char *name, uint64_t value) {
    json_builder_set_member_name(b, name);
    if (value <= (1ull << 53))
        json_builder_add_int_value(b, (gint64)value);
    else {
        g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, value);
        json_builder_add_string_value(b, text);
    }
}

static void json_text(JsonBuilder *b, const char *name, const char *value) {
    json_builder_set_member_name(b, name);
    if (value)
        json_builder_add_string_value(b, value);
    else
        json_builder_add_null_value(b);
}

static void json_machine(JsonBuilder *b, const MachineConfig *c) {
    g_autofree char *isa = isa_string(&c->isa);
    json_builder_set_member_name(b, "machine");
    json_builder_begin_object(b);
    json_text(b, "board", "virt");
    json_text(b, "isa", isa);
    json_uint(b, "harts", c->n_harts);
    json_uint(b, "ram_bytes", c->ram_size);
    json_uint(b, "icount_shift", c->icount_shift);
    json_text(b, "append", c->append);
    json_builder_end_object(b);
    json_builder_set_member_name(b, "images");
    json_builder_begin_array(b);
    for (guint i = 0; i < c->images->len; i++) {
        const MachineImage *image = c->images->pdata[i];
        json_builder_begin_object(b);
        json_text(b, "role", image_role_name(image->role));
        json_text(b, "name", image->name);
        json_uint(b, "bytes", g_bytes_get_size(image->data));
        json_builder_end_object(b);
    }
    json_builder_end_array(b);
}

static void json_end(JsonBuilder *b, const RecEnd *e) {
    json_builder_set_member_name(b, "end");
    json_builder_begin_object(b);
    json_builder_set_member_name(b, "complete");
    json_builder_add_boolean_value(b, e->complete);
    json_uint(b, "pos", e->pos);
    json_uint(b, "time_ns", e->time);
    json_text(b, "reason", e->complete ? outcome_reason(e->stop, e->code) : "crash");
    json_uint(b, "code", e->code);
    json_uint(b, "exit_status", (uint64_t)e->exit_status);
    g_autofree char *hash = g_strdup_printf("%016" G_GINT64_MODIFIER "x", e->hash);
    json_text(b, "hash", hash);
    json_builder_end_object(b);
}

static void info_json(const Rec *rec, const char *path) {
    g_autoptr(JsonBuilder) b = json_builder_new();
    const RecInfo *info = rec_info(rec);
    Counts counts = count_events(rec);
    json_builder_begin_object(b);
    json_text(b, "path", path);
    json_text(b, "id", info->id_text);
    json_text(b, "command", info->command);
    json_text(b, "version", info->version);
    json_uint(b, "behaviour", info->behaviour);
    json_uint(b, "created_unix", (uint64_t)info->created_unix);
    json_machine(b, rec_config(rec));
    json_end(b, rec_end(rec));
    json_uint(b, "checkpoints", rec_n_checkpoints(rec));
    json_builder_set_member_name(b, "events");
    json_builder_begin_object(b);
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        json_uint(b, kinds[i].name, counts.events[i]);
    json_builder_end_object(b);
    json_builder_set_member_name(b, "sizes");
    json_builder_begin_object(b);
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        json_uint(b, parts[i], rec_size_of(rec, parts[i]));
    json_builder_end_object(b);
    json_builder_end_object(b);
    g_autoptr(JsonNode) root = json_builder_get_root(b);
    g_autofree char *text = json_to_string(root, TRUE);
    puts(text);
}

/* -- text --------------------------------------------------------------------------------------------------- */

static void info_text(const Rec *rec, const char *path) {
    const RecInfo *info = rec_info(rec);
    const MachineConfig *c = rec_config(rec);
    const RecEnd *e = rec_end(rec);
    Counts counts = count_events(rec);
    g_autofree char *isa = isa_string(&c->isa), *outcome = outcome_text(e->stop, e->code),
                    *steps = human_count(e->pos);
    printf("recording    %s\nid           %s\ncommand      %s\nmade by      rr-emu %s, behaviour %u\n", path,
           info->id_text, info->command, info->version, info->behaviour);
    printf("machine      virt, %u hart%s, %" G_GUINT64_FORMAT " MiB, %s\n", c->n_harts,
           c->n_harts == 1 ? "" : "s", c->ram_size >> 20, isa);
    for (guint i = 0; i < c->images->len; i++) {
        const MachineImage *image = c->images->pdata[i];
        printf("image        %-8s %s (%zu bytes)\n", image_role_name(image->role), image->name,
               g_bytes_get_size(image->data));
    }
    printf("length       %s steps, %.3f s of guest time\nended        %s\n", steps, (double)e->time / 1e9,
           e->complete ? outcome
                       : "the recording breaks off here: its recorder was killed or the disk was full");
    printf("checkpoints  %zu\n", rec_n_checkpoints(rec));
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (counts.events[i])
            printf("events       %-8s %" G_GUINT64_FORMAT " (%" G_GUINT64_FORMAT " bytes)\n", kinds[i].name,
                   counts.events[i], counts.bytes[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        printf("size         %-12s %" G_GUINT64_FORMAT " bytes in the file\n", parts[i],
               rec_size_of(rec, parts[i]));
}

int cmd_info(const Command *self, Args *args, GError **error) {
    Rec *rec;
    g_autofree char *path = NULL;
    if (!args_at_most(args, 1, "one recording", error) || !recording_open(args, 0, &rec, &path, error))
        return self->failed;
    args->json ? info_json(rec, path) : info_text(rec, path);
    rec_free(rec);
    return STATUS_OK;
}

static void list_json(JsonBuilder *b, const Rec *rec, const char *path) {
    const RecEnd *e = rec_end(rec);
    json_builder_begin_object(b);
    json_builder_set_member_name(b, "path");
    json_builder_add_string_value(b, path);
    json_builder_set_member_name(b, "id");
    json_builder_add_string_value(b, rec_info(rec)->id_text);
    json_builder_set_member_name(b, "pos");
    json_builder_add_int_value(b, (gint64)e->pos);
    json_builder_set_member_name(b, "reason");
    json_builder_add_string_value(b, e->complete ? outcome_reason(e->stop, e->code) : "crash");
    json_builder_end_object(b);
}

static void list_text(const Rec *rec, const char *path) {
    const RecEnd *e = rec_end(rec);
    g_autofree char *steps = human_count(e->pos);
    printf("%-12s %-14s %s\n", steps, e->complete ? outcome_reason(e->stop, e->code) : "crash", path);
}

int cmd_list(const Command *self, Args *args, GError **error) {
    if (!args_at_most(args, 0, "no further word", error))
        return self->failed;
    g_autoptr(GPtrArray) all = recordings_all();
    g_autoptr(JsonBuilder) b = json_builder_new();
    json_builder_begin_array(b);
    for (guint i = 0; i < all->len; i++) {
        Rec *rec;
        GError *why = NULL;
        if (!rec_open(all->pdata[i], &rec, &why)) {
            say("%s", why->message);
            g_error_free(why);
            continue;
        }
        if (args->json)
            list_json(b, rec, all->pdata[i]);
        else
            list_text(rec, all->pdata[i]);
        rec_free(rec);
    }
    json_builder_end_array(b);
    g_autoptr(JsonNode) root = json_builder_get_root(b);
    g_autofree char *text = json_to_string(root, TRUE);
    if (args->json)
        puts(text);
    return STATUS_OK;
}

int cmd_rm(const Command *self, Args *args, GError **error) {
    if (!args->rest->len) {
        g_set_error(error, CLI_ERROR, 0, "rm: name the recordings to remove");
        return self->failed;
    }
    g_autofree char *folder = recordings_folder();
    for (guint i = 0; i < args->rest->len; i++) {
        const char *name = args->rest->pdata[i];
        g_autofree char *path =
            strchr(name, '/') || !access(name, F_OK) ? g_strdup(name) : g_build_filename(folder, name, NULL);
        Rec *rec;
        if (!rec_open(path, &rec, error)) /* never remove what is no recording */
            return self->failed;
        rec_free(rec);
        g_autofree char *db = g_strconcat(path, ".db", NULL);
        if (g_unlink(path)) {
            g_set_error(error, CLI_ERROR, 0, "rm %s: %s", path, g_strerror(errno));
            return self->failed;
        }
        g_unlink(db);
    }
    return STATUS_OK;
}
