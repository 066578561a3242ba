/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <glib.h>

#include "analyses/builtin/builtin.h"

bool builtin_record(RrSelf *self, RrRecording what, const RrOption *options) {
    g_autoptr(GArray) settings = g_array_new(TRUE, FALSE, sizeof(RrSetting));
    for (; options && options->name; options++) {
        RrSetting setting = {options->name, rr_option_text(self, options->name)};
        g_array_append_val(settings, setting);
    }
    return rr_record(self, what, NULL, (const RrSetting *)settings->data);
}
