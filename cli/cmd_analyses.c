/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `analyses`: what can be attached to a replay. */
#include "cli/cli.h"

#include <stdio.h>

#include "analyses/analysis.h"

int cmd_analyses(const Command *self, Args *args, GError **error) {
    for (size_t i = 0; analysis_info(i); i++) {
        const AnalysisInfo *info = analysis_info(i);
        printf("%-10s %s\n           tables: %s\n", info->name, info->help, info->tables);
        for (size_t k = 0; k < info->n_options; k++) {
            const AnalysisOption *o = &info->options[k];
            printf("           %s=%s (default %s): %s\n", o->name, o->values, o->fallback, o->help);
        }
    }
    return STATUS_OK;
}
