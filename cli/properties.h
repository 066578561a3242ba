/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Property lists as QEMU's options have them: "first,key=value,flag,file=a,,b". What nobody takes is refused by name. All
 * errors are CLI_ERROR and begin with the option's name.
 */
#ifndef CLI_PROPERTIES_H
#define CLI_PROPERTIES_H

#include <glib.h>
#include <stdbool.h>

typedef struct Properties {
    char *first; /* the first word if it has no '=', else NULL */
    GPtrArray *keys, *values;
} Properties;

/* A word without '=' that is not the first one is a key with the value "on". */
Properties *properties_new(const char *text);
void properties_free(Properties *p);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Properties, properties_free)

/* The value of a key, which leaves the list, or NULL. The caller frees it. */
char *properties_take(Properties *p, const char *key);
/* False if keys are left: `supported` says which there are. */
bool properties_finish(const Properties *p, const char *option, const char *supported, GError **error);

bool parse_on_off(const char *option, const char *key, const char *value, bool *ret, GError **error);
/* Says that `option` does not take `value`, and what it does. Always false. */
bool refuse(const char *option, const char *value, const char *supported, GError **error);

#endif
