/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `diff`: two recordings, the first step at which they part. */
#include "cli/cli.h"

#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>

#include "cli/database.h"
#include "cli/replaying.h"
#include "cli/symbolizer.h"
#include "tcg/riscv/translate.h"
#include "triage/diff.h"
#include "triage/led.h"

/* What is told of, and by what names. */
typedef struct Story {
    const DiffResult *result;
    const Isa *isa;
    Symbolizer *symbols;
    GArray *calls; /* of LedCall, innermost first; NULL: nothing ran before */
} Story;

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

static char *name_before(const Story *t, const DiffSide *s) {
    return symbolizer_name_at(t->symbols, s->pc, s->satp, t->result->pos);
}

static void print_side(char name, const DiffSide *s, const Story *t) {
    g_autofree char *text = disassemble(t->isa, s), *at = name_before(t, s),
                    *next = symbolizer_name_at(t->symbols, s->next_pc, s->next_satp, t->result->pos + 1);
    printf("  %c: hart %u  pc 0x%" G_GINT64_MODIFIER "x %s  %s\n     next 0x%" G_GINT64_MODIFIER "x %s\n",
           name, s->hart, s->pc, at, text, s->next_pc, next);
}

static char *name_or_address(const Story *t, Gva pc, uint64_t satp) {
    char *name = symbolizer_name_at(t->symbols, pc, satp, t->result->pos);
    if (*name)
        return name;
    g_free(name);
    return g_strdup_printf("0x%" G_GINT64_MODIFIER "x", pc);
}

static void print_calls(const Story *t) {
    static const char *const words[] = {
        [CALL_CALL] = "called at", [CALL_TAIL] = "jumped to at", [CALL_TRAP] = "trapped to at"};
    if (t->calls && t->calls->len)
        puts("  led there, innermost first:");
    for (guint i = 0; t->calls && i < t->calls->len; i++) {
        const LedCall *c = &g_array_index(t->calls, LedCall, i);
        g_autofree char *name = name_or_address(t, c->pc, c->satp),
                        *caller = name_or_address(t, c->call_pc, c->call_satp);
        if (c->kind == CALL_ROOT)
            printf("    %s, from pos %" G_GUINT64_FORMAT "\n", name, c->pos);
        else
            printf("    %s, %s %s, pos %" G_GUINT64_FORMAT "\n", name, words[c->kind], caller, c->pos);
    }
}

static void print_text(const Story *t) {
    const DiffResult *r = t->result;
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
    print_side('A', &r->a, t);
    print_side('B', &r->b, t);
    for (guint i = 0; i < r->values->len; i++) {
        const DiffValue *v = &g_array_index(r->values, DiffValue, i);
        printf("  %-28s A 0x%-16" G_GINT64_MODIFIER "x  B 0x%" G_GINT64_MODIFIER "x\n", v->name, v->a, v->b);
    }
    if (r->n_memory)
        printf("  %" G_GUINT64_FORMAT " bytes of memory differ\n", r->n_memory);
    print_calls(t);
}

static void add_hex(JsonBuilder *b, const char *name, uint64_t value) {
    g_autofree char *text = g_strdup_printf("0x%" G_GINT64_MODIFIER "x", value);
    json_builder_set_member_name(b, name);
    json_builder_add_string_value(b, text);
}

static void add_text(JsonBuilder *b, const char *name, const char *value) {
    json_builder_set_member_name(b, name);
    json_builder_add_string_value(b, value);
}

static void add_side(JsonBuilder *b, const char *name, const DiffSide *s, const Story *t) {
    g_autofree char *text = disassemble(t->isa, s), *at = name_before(t, s);
    json_builder_set_member_name(b, name);
    json_builder_begin_object(b);
    json_builder_set_member_name(b, "hart");
    json_builder_add_int_value(b, s->hart);
    add_hex(b, "pc", s->pc);
    add_hex(b, "next_pc", s->next_pc);
    add_text(b, "symbol", at);
    add_text(b, "disas", text);
    json_builder_end_object(b);
}

static void add_call(JsonBuilder *b, const LedCall *c, const Story *t) {
    static const char *const kinds[] = {
        [CALL_CALL] = "call", [CALL_TAIL] = "tail", [CALL_ROOT] = "root", [CALL_TRAP] = "trap"};
    Pos pos = t->result->pos;
    g_autofree char *name = symbolizer_name_at(t->symbols, c->pc, c->satp, pos),
                    *caller = symbolizer_name_at(t->symbols, c->call_pc, c->call_satp, pos),
                    *at = g_strdup_printf("%" G_GUINT64_FORMAT, c->pos);
    json_builder_begin_object(b);
    add_text(b, "kind", kinds[c->kind]);
    add_text(b, "pos", at);
    add_hex(b, "pc", c->pc);
    add_text(b, "symbol", name);
    if (c->kind != CALL_ROOT) {
        add_hex(b, "call_pc", c->call_pc);
        add_text(b, "call_symbol", caller);
    }
    json_builder_end_object(b);
}

static void add_calls(JsonBuilder *b, const Story *t) {
    json_builder_set_member_name(b, "calls");
    json_builder_begin_array(b);
    for (guint i = 0; t->calls && i < t->calls->len; i++)
        add_call(b, &g_array_index(t->calls, LedCall, i), t);
    json_builder_end_array(b);
}

static void print_json(const Story *t) {
    const DiffResult *r = t->result;
    g_autoptr(JsonBuilder) b = json_builder_new();
    g_autofree char *pos = g_strdup_printf("%" G_GUINT64_FORMAT, r->pos);
    json_builder_begin_object(b);
    json_builder_set_member_name(b, "kind");
    json_builder_add_string_value(b, diff_kind_name(r->kind));
    json_builder_set_member_name(b, "pos");
    json_builder_add_string_value(b, pos);
    add_side(b, "a", &r->a, t);
    add_side(b, "b", &r->b, t);
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
    add_calls(b, t);
    json_builder_end_object(b);
    g_autoptr(JsonNode) root = json_builder_get_root(b);
    g_autofree char *text = json_to_string(root, TRUE);
    puts(text);
}

/* The states of before are equal, so what is known of one recording's programs and calls is true of the other's. */
static bool tell_story(Args *args, const Rec *rec, const ReplayOptions *options, const DiffResult *r,
                       GError **error) {
    Story t = {r, &rec_config(rec)->isa, symbolizer_new(rec, args->symbols, error), NULL};
    const char *sysroot = database_sysroot(args, rec);
    bool ok = t.symbols != NULL;
    if (ok && r->pos && r->kind != DIFF_SAME && r->kind != DIFF_LENGTH) {
        t.calls = led_to(rec, options, symbolizer_store(t.symbols), sysroot, r->pos, error);
        ok = t.calls != NULL;
    }
    if (ok)
        (args->json ? print_json : print_text)(&t);
    g_clear_pointer(&t.calls, g_array_unref);
    g_clear_pointer(&t.symbols, symbolizer_free);
    return ok;
}

static bool is_folder(const char *sysroot, GError **error) {
    if (!sysroot || g_file_test(sysroot, G_FILE_TEST_IS_DIR))
        return true;
    g_set_error(error, CLI_ERROR, 0, "--sysroot %s: not a folder", sysroot);
    return false;
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
    if (is_folder(args->sysroot, error) && recording_open(args, 0, &a, NULL, error) &&
        recording_open(args, 1, &b, NULL, error) && replaying_options(args, &tcg, &options, error) &&
        diff_recordings(a, b, &options, &r, error)) {
        if (tell_story(args, a, &options, &r, error))
            status = r.kind == DIFF_SAME ? STATUS_OK : STATUS_DIFFERS;
        diff_result_done(&r);
    }
    g_clear_pointer(&a, rec_free);
    g_clear_pointer(&b, rec_free);
    return status;
}
