/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the built-in analyses' tables look like, for those who want to know before there is one: `rr-emu analyses`. The
 * tables themselves are made by schema/db.sql, and a test compares.
 */
#ifndef ANALYSES_TABLES_H
#define ANALYSES_TABLES_H

#define TABLE_ENUMS 4

/* A column that holds one of a few words. */
typedef struct TableEnum {
    const char *column; /* NULL ends the list */
    const char *values; /* with | between them */
} TableEnum;

typedef struct TableInfo {
    const char *name;
    const char *columns; /* with ", " between them */
    const char *keys;    /* the columns by which rows are found without reading all of them */
    TableEnum enums[TABLE_ENUMS];
} TableInfo;

/* By its name, as made without as=NAME; NULL: a view NAME_v, or no built-in's. */
const TableInfo *table_info(const char *name);

#endif
