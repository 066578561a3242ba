/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the instructions went, as a tree of stacks: of the table call, else flat, of func or of cover. */
#ifndef CLI_PROFILE_H
#define CLI_PROFILE_H

#include "analyses/store/store.h"

#define PROFILE_DEPTH 1000u

typedef struct Frame {
    uint32_t parent;  /* index; the root is its own */
    const char *name; /* interned */
    int64_t self;     /* instructions in the frame itself */
    uint32_t depth;   /* the root's is 0; what lies deeper than PROFILE_DEPTH counts to its caller there */
} Frame;

typedef struct Profile {
    GArray *frames; /* of Frame; parents come before their children; 0 is the root */
    bool flat;      /* no call tree: children of the root are modules, theirs functions */
} Profile;

extern const char profile_tables[]; /* one of these must be there */
Profile *profile_new(sqlite3 *db, GError **error);
void profile_free(Profile *p);
/* "name+0x12" → "name". Interned. */
const char *profile_function(const char *symbol);

#endif
