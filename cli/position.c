/* SPDX-License-Identifier: GPL-2.0-or-later */
/* POS on the command line. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

/* The pos at which the first console line that contains `text` does so: where the text's last byte came out. */
static bool position_of_console(const Rec *rec, const char *text, Pos *ret) {
    g_autoptr(GString) line = g_string_new(NULL);
    size_t n = strlen(text);
    Pos pos;
    uint32_t port, size;
    const uint8_t *data;
    for (size_t i = 0; rec_console(rec, i, &pos, &port, &data, &size); i++)
        for (uint32_t k = 0; k < size && port == 0; k++) {
            if (data[k] == '\n') {
                g_string_truncate(line, 0);
                continue;
            }
            g_string_append_c(line, (char)data[k]);
            if (line->len >= n && !memcmp(line->str + line->len - n, text, n))
                return *ret = pos, true;
        }
    return false;
}

bool position_parse(const Rec *rec, const char *text, Pos *ret, GError **error) {
    Pos end = rec_end(rec)->pos;
    if (!strcmp(text, "start"))
        return *ret = 0, true;
    if (!strcmp(text, "end"))
        return *ret = end, true;
    if (g_str_has_prefix(text, "console:")) {
        if (position_of_console(rec, text + 8, ret))
            return true;
        g_set_error(error, CLI_ERROR, 0, "position '%s': no console line has that text", text);
        return false;
    }
    size_t n = strlen(text);
    if (n && text[n - 1] == '%') {
        char *stop;
        double percent = g_ascii_strtod(text, &stop);
        if (stop == text + n - 1 && percent >= 0 && percent <= 100)
            return *ret = (Pos)((double)end * percent / 100), true;
    }
    uint64_t value;
    if (!parse_count(text, true, &value)) {
        g_set_error(error, CLI_ERROR, 0,
                    "position '%s': expected a step count, start, end, 42%% or console:TEXT", text);
        return false;
    }
    if (value > end) {
        g_set_error(error, CLI_ERROR, 0,
                    "position %" G_GUINT64_FORMAT " is beyond the recording's end, %" G_GUINT64_FORMAT, value,
                    end);
        return false;
    }
    return *ret = value, true;
}
