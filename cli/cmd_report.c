/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `report`: one page of pictures, whole in itself. report.html draws; the data takes the place of its marker. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/database.h"
#include "cli/reading.h"
#include "cli/report.h"
#include "cli/report_page.h"

static const char marker[] = "/*DATA*/null";

static bool write_page(Report *r, const char *name, GError **error) {
    const char *at = strstr(report_page, marker);
    g_assert(at);
    fwrite(report_page, 1, (size_t)(at - report_page), r->to);
    fputs("{\"name\":", r->to);
    put_json_string(r->to, name);
    fputs(",\"data\":", r->to);
    bool ok = report_write_data(r, error);
    fputs("}", r->to);
    fputs(at + strlen(marker), r->to);
    return ok;
}

static bool report(const Args *args, const char *first, const char *output, GError **error) {
    Reading reading;
    FILE *to = NULL;
    bool ok = reading_open(args, first, false, &reading, error) && reading_is_ours(&reading, first, error) &&
              (!args->symbols || database_add_symbols(reading.db, args->symbols, error));
    if (ok && !(to = fopen(output, "wb"))) {
        g_set_error(error, CLI_ERROR, 0, "-o %s: %s", output, g_strerror(errno));
        ok = false;
    }
    if (ok) {
        Report r = {.db = reading.db, .to = to};
        g_autofree char *name = g_path_get_basename(first);
        database_warn_partial(args, reading.db, NULL);
        ok = write_page(&r, name, error);
    }
    reading_close(&reading);
    if (to && (ferror(to) | fclose(to)) && ok) {
        g_set_error(error, CLI_ERROR, 0, "-o %s: %s", output, g_strerror(errno));
        ok = false;
    }
    if (to && !ok && g_file_test(output, G_FILE_TEST_IS_REGULAR))
        unlink(output);
    return ok;
}

int cmd_report(const Command *self, Args *args, GError **error) {
    if (args->rest->len > 1) {
        g_set_error(error, CLI_ERROR, 0, "'%s': expected one recording or database",
                    (char *)args->rest->pdata[1]);
        return self->failed;
    }
    g_autofree char *newest = args->rest->len ? NULL : recordings_newest(error);
    const char *first = args->rest->len ? args->rest->pdata[0] : newest;
    if (!first)
        return self->failed;
    g_autofree char *output = args->output ? g_strdup(args->output) : g_strconcat(first, ".html", NULL);
    if (!report(args, first, output, error))
        return self->failed;
    tell(args, "%s", output);
    return STATUS_OK;
}
