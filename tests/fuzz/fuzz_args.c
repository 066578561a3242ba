/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: the input is its words, separated by line feeds; the first byte says which command's. */
#include <string.h>

#include "cli/args.h"
#include "cli/machine_args.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reading a device or a pipe, or all of a disk, is no matter of parsing. */
static bool harmless(char **words) {
    for (; *words; words++)
        if (strstr(*words, "/dev") || strstr(*words, "/proc") || strstr(*words, "/sys"))
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    g_autofree char *text = g_strndup((const char *)data + 1, size - 1);
    g_auto(GStrv) words = g_strsplit(text, "\n", 64);
    if (!harmless(words))
        return 0;
    Args args = {0};
    GError *error = NULL;
    bool machine = data[0] % 11 < 2;
    if (args_parse(&args, 1u << data[0] % 11, machine, words, (int)g_strv_length(words), &error) && machine) {
        MachineSetup setup = {0};
        if (!machine_setup_parse(&setup, (char **)args.rest->pdata, args.rest->len, &error))
            g_assert(error && *error->message);
        machine_setup_done(&setup);
    } else if (!machine) {
        g_assert(error == NULL || *error->message);
    }
    g_clear_error(&error);
    args_done(&args);
    return 0;
}
