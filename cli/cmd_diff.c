/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `diff`: two recordings, the first step at which they part. */
#include "cli/cli.h"

#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>

#include "cli/replaying.h"
#include "cli/symbolizer.h"
#include "tcg/riscv/translate.h"
#include "triage/diff.h"

static char *disassemble(const Isa *isa, const DiffSide *s) {
    uint32_t insn = 0;
    if (s->code_size < 2)
        return g_strdup("(not mapped)");
    memcpy(&insn, s->code, s->code_size);
    return riscv_disassemble(isa, s->pc, riscv_insn_length((uint16_t)insn) == 2 ? insn & 0xffff : insn);
}

static char *event_text(const NdEvent *ev) {
    if (!ev)
        return g_strdup("nothing");
    GString *text = g_string_new(NULL);
    g_string_append_printf(text,
                           "%s (source %u) at pos %" G_GUINT64_FORMAT ", %u bytes:", nd_kind_name(ev->kind),
                           ev->source, ev->pos, ev->size);
    for (uint32_t i = 0; i < MIN(ev->size, 16u); i++)
        g_string_append_printf(text, " %02x", ev->payload[i]);
    return g_string_free(text, FALSE);
}

static void print_side(char name, const DiffSide *s, const Isa *isa, Symbolizer *symbols) {
    g_autofree char *text = disassemble(isa, s), *at = symbolizer_name(symbols, s->pc),
                    *next = symbolizer_name(symbols, s->next_pc);
    printf("  %c: hart %u  pc 0x%" G_GINT64_MODIFIER "x %s  %s\n     next 0x%" G_GINT64_MODIFIER "x %s\n",
           name, s->hart, s->pc, at, text, s->next_pc, next);
}

static void print_text(const DiffResult *r, const Isa *isa, Symbolizer *symbols) {
    static const char *const words[] = {
        [DIFF_SAME] = "the recordings are the same run",
        [DIFF_INPUT] = "an outside input parted them",
        [DIFF_CONTROL] = "the control flow parted first",
        [DIFF_DATA] = "data parted first",
        [DIFF_LENGTH] = "one recording is the beginning of the other",
    };
    printf("%s", words[r->kind]);
    if (r->kind == DIFF_SAME)
        return (void)puts("");
    printf(" at pos %" G_GUINT64_FORMAT " (%.6f s of guest time)\n", r->pos, (double)r->time / 1e9);
    if (r->kind == DIFF_LENGTH)
        return;
    if (r->kind == DIFF_INPUT) {
        g_autofree char *a = event_text(r->a.event), *b = event_text(r->b.event);
        printf("  A: %s\n  B: %s\n", a, b);
    }
    print_side('A', &r->a, isa, symbols);
    print_side('B', &r->b, isa, symbols);
    for (guint i = 0; i < r->values->len; i++) {
        const DiffValue *v = &g_array_index(r->values, DiffValue, i);
        printf("  %-28s A 0x%-16" G_GINT64_MODIFIER "x  B 0x%" G_GINT64_MODIFIER "x\n", v->name, v->a, v->b);
    }
    if (r->n_memory)
        printf("  %" G_GUINT64_FORMAT " bytes of memory differ\n", r->n_memory);
}

static void add_hex(JsonBuilder *b, const char *name, uint64_t value) {
    g_autofree char *text = g_strdup_printf("0x%" G_GINT64_MODIFIER "x", value);
    json_builder_set_member_name(b, name);
    json_builder_add_string_value(b, text);
}

static void add_side(JsonBuilder *b, const char *name, const DiffSide *s, const Isa *isa,
                     Symbolizer *symbols) {
    g_autofree char *text = disassemble(isa, s), *at = symbolizer_name(symbols, s->pc);
    json_builder_set_member_name(b, name);
    json_builder_begin_object(b);
    json_builder_set_member_name(b, "hart");
    json_builder_add_int_value(b, s->hart);
    add_hex(b, "pc", s->pc);
    add_hex(b, "next_pc", s->next_pc);
    json_builder_set_member_name(b, "symbol");
    json_builder_add_string_value(b, at);
    json_builder_set_member_name(b, "disas");
    json_builder_add_string_value(b, text);
    json_builder_end_object(b);
}

static void print_json(const DiffResult *r, const Isa *isa, Symbolizer *symbols) {
    g_autoptr(JsonBuilder) b = json_builder_new();
    g_autofree char *pos = g_strdup_printf("%" G_GUINT64_FORMAT, r->pos);
    json_builder_begin_object(b);
    json_builder_set_member_name(b, "kind");
    json_builder_add_string_value(b, diff_kind_name(r->kind));
    json_builder_set_member_name(b, "pos");
    json_builder_add_string_value(b, pos);
    add_side(b, "a", &r->a, isa, symbols);
    add_side(b, "b", &r->b, isa, symbols);
    json_builder_set_member_name(b, "values");
    json_builder_begin_array(b);
    for (guint i = 0; i < r->values->len; i++) {
        const DiffValue *v = &g_array_index(r->values, DiffValue, i);
        json_builder_begin_object(b);
        json_builder_set_member_name(b, "name");
        json_builder_add_string_value(b, v->name);
        add_hex(b, "a", v->a);
        add_hex(b, "b", v->b);
        json_builder_end_object(b);
    }
    json_builder_end_array(b);
    json_builder_end_object(b);
    g_autoptr(JsonNode) root = json_builder_get_root(b);
    g_autofree char *text = json_to_string(root, TRUE);
    puts(text);
}

int cmd_diff(const Command *self, Args *args, GError **error) {
    if (args->rest->len != 2) {
        g_set_error(error, CLI_ERROR, 0, "diff takes two recordings: rr-emu diff A B");
        return self->failed;
    }
    Rec *a = NULL, *b = NULL;
    TcgOptions tcg;
    ReplayOptions options;
    DiffResult r;
    int status = self->failed;
    if (recording_open(args, 0, &a, NULL, error) && recording_open(args, 1, &b, NULL, error) &&
        replaying_options(args, &tcg, &options, error) && diff_recordings(a, b, &options, &r, error)) {
        Symbolizer *symbols = symbolizer_new(a, args->symbols, error);
        if (symbols) {
            (args->json ? print_json : print_text)(&r, &rec_config(a)->isa, symbols);
            status = r.kind == DIFF_SAME ? STATUS_OK : STATUS_DIFFERS;
            symbolizer_free(symbols);
        }
        diff_result_done(&r);
    }
    g_clear_pointer(&a, rec_free);
    g_clear_pointer(&b, rec_free);
    return status;
}
