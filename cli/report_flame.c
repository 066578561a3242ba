/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flame graph, and the hottest functions. */
#include "cli/ask.h"
#include "cli/profile.h"
#include "cli/report.h"

#define SMALLEST 4000 /* frames below this part of the whole are drawn with their parents only */

/* Totals of frames with all below them; children come after their parents. */
static int64_t *frame_totals(const Profile *p) {
    int64_t *total = g_new0(int64_t, p->frames->len);
    for (guint i = p->frames->len; i-- > 0;) {
        const Frame *f = &g_array_index(p->frames, Frame, i);
        total[i] += f->self;
        if (i)
            total[f->parent] += total[i];
    }
    return total;
}

/* ,"frames":[[parent, name, total],…]: numbers are those of frames in the list, parents first. */
bool report_flame(Report *r, GError **error) {
    Profile *p = profile_new(r->db, error);
    if (!p)
        return false;
    g_autofree int64_t *total = frame_totals(p);
    g_autofree uint32_t *number = g_new0(uint32_t, p->frames->len);
    uint32_t n = 0;
    fprintf(r->to, ",\n\"flat\":%s,\"frames\":[", p->flat ? "true" : "false");
    for (guint i = 0; i < p->frames->len; i++) {
        const Frame *f = &g_array_index(p->frames, Frame, i);
        if (i && (total[i] < total[0] / SMALLEST || total[i] == 0 || (f->parent && !number[f->parent])))
            continue;
        number[i] = n++;
        fprintf(r->to, "%s[%u,", i ? "," : "", number[f->parent]);
        put_json_string(r->to, f->name);
        fprintf(r->to, ",%" G_GINT64_FORMAT "]", total[i]);
    }
    fputs("]", r->to);
    profile_free(p);
    return true;
}

/* name, module, own instructions, calls, own and below */
bool report_functions(Report *r, GError **error) {
    return report_rows(
        r, "functions",
        ask_has(r->db, "func")
            ? "SELECT coalesce(f.symbol, printf('%#x', f.addr)), m.name, f.self_insns, f.calls, "
              "f.total_insns FROM func AS f LEFT JOIN main.module AS m ON m.id = f.module_id "
              "ORDER BY 3 DESC LIMIT 25"
            : "SELECT CASE WHEN instr(s, '+') THEN substr(s, 1, instr(s, '+') - 1) ELSE s END AS f, "
              "module, sum(n), NULL, NULL FROM (SELECT coalesce(symbol_in(coalesce(m.base, 0) + offset, "
              "iif(m.base IS NULL, m.id, NULL), 0), "
              "'?') AS s, m.name AS module, count AS n FROM cover LEFT JOIN main.module AS m "
              "ON m.id = module_id) GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 25",
        error);
}
