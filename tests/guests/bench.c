/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An integer benchmark: linked lists that are sorted and searched, matrices, a scanner of numbers as a state
 * machine, and a CRC over all results, which is printed. ROUNDS=n sets the length: one round is about 300
 * thousand instructions.
 */
#include "rt/rt.h"

#ifndef ROUNDS
#define ROUNDS 16000
#endif
enum { NODES = 256, SIZE = 24, TEXT = 512 };

typedef struct Node {
    struct Node *next;
    int16_t key, value;
} Node;

static Node nodes[NODES];
static int32_t a[SIZE][SIZE], b[SIZE][SIZE], c[SIZE][SIZE];
static char text[TEXT + 1];

static uint16_t crc16(uint16_t crc, uint32_t value, unsigned bits) {
    for (; bits > 0; bits--, value >>= 1)
        crc = (uint16_t)((crc ^ value) & 1 ? crc >> 1 ^ 0xa001 : crc >> 1);
    return crc;
}

static uint32_t random_next(uint32_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* -- lists ----------------------------------------------------------------------------------------------- */

static int by_key(const Node *x, const Node *y) {
    return x->key - y->key;
}
static int by_value(const Node *x, const Node *y) {
    return x->value - y->value;
}

/* Merge sort, bottom up over the links. */
static Node *list_sort(Node *list, int (*compare)(const Node *, const Node *)) {
    for (unsigned run = 1;; run *= 2) {
        Node *rest = list, *head = NULL, **tail = &head;
        unsigned merges = 0;
        while (rest) {
            Node *left = rest, *right = rest;
            unsigned n_left = 0, n_right = run;
            for (; n_left < run && right; n_left++)
                right = right->next;
            merges++;
            while (n_left > 0 || (n_right > 0 && right)) {
                bool take_left = n_left > 0 && (n_right == 0 || !right || compare(left, right) <= 0);
                Node *taken = take_left ? left : right;
                if (take_left)
                    left = left->next, n_left--;
                else
                    right = right->next, n_right--;
                *tail = taken;
                tail = &taken->next;
            }
            rest = right;
        }
        *tail = NULL;
        list = head;
        if (merges <= 1)
            return list;
    }
}

static Node *list_reverse(Node *list) {
    Node *reversed = NULL;

    while (list) {
        Node *next = list->next;
        list->next = reversed;
        reversed = list;
        list = next;
    }
    return reversed;
}

static uint16_t list_round(uint16_t crc, uint32_t *state) {
    Node *list = NULL;

    for (unsigned i = 0; i < NODES; i++) {
        uint32_t r = random_next(state);
        nodes[i] = (Node){list, (int16_t)(r >> 8), (int16_t)(r >> 16)};
        list = &nodes[i];
    }
    list = list_sort(list, by_key);
    unsigned found = 0;
    for (unsigned i = 0; i < 32; i++) {
        int16_t key = (int16_t)random_next(state);
        for (const Node *n = list; n && n->key <= key; n = n->next)
            found += n->value & 1;
    }
    list = list_sort(list_reverse(list), by_value);
    crc = crc16(crc, found, 16);
    for (const Node *n = list; n; n = n->next)
        crc = crc16(crc, (uint16_t)n->key, 8);
    return crc;
}

/* -- matrices -------------------------------------------------------------------------------------------- */

static uint16_t matrix_round(uint16_t crc, uint32_t seed) {
    for (unsigned i = 0; i < SIZE; i++)
        for (unsigned j = 0; j < SIZE; j++) {
            a[i][j] = (int16_t)(seed * (i + 1) + j * 7);
            b[i][j] = (int16_t)(seed ^ (i * 31 + j));
        }
    for (unsigned i = 0; i < SIZE; i++)
        for (unsigned j = 0; j < SIZE; j++) {
            int32_t sum = 0;
            for (unsigned k = 0; k < SIZE; k++)
                sum += a[i][k] * b[k][j];
            c[i][j] = sum;
        }
    for (unsigned i = 0; i < SIZE; i++)
        for (unsigned j = 0; j < SIZE; j++)
            crc = crc16(crc, (uint32_t)(c[i][j] >> 4), 4);
    return crc;
}

/* -- the scanner ----------------------------------------------------------------------------------------- */

typedef enum { START, INTEGER, POINT, FRACTION, EXPONENT, SCIENTIFIC, INVALID, STATES } State;

static State step(State state, char ch) {
    bool digit = ch >= '0' && ch <= '9', sign = ch == '+' || ch == '-';

    switch (state) {
    case START: return digit || sign ? INTEGER : ch == '.' ? POINT : INVALID;
    case INTEGER: return digit ? INTEGER : ch == '.' ? POINT : ch == 'e' ? EXPONENT : INVALID;
    case POINT: return digit ? FRACTION : INVALID;
    case FRACTION: return digit ? FRACTION : ch == 'e' ? EXPONENT : INVALID;
    case EXPONENT: return digit || sign ? SCIENTIFIC : INVALID;
    case SCIENTIFIC: return digit ? SCIENTIFIC : INVALID;
    default: return INVALID;
    }
}

static uint16_t scan_round(uint16_t crc, uint32_t *state) {
    static const char alphabet[16] = "0123456789.e+-,,";
    uint32_t ends[STATES] = {0};
    State s = START;

    for (unsigned i = 0; i < TEXT; i++)
        text[i] = alphabet[random_next(state) >> 12 & 15];
    for (unsigned repeat = 0; repeat < 4; repeat++) {
        for (const char *p = text; *p; p++) {
            if (*p == ',') {
                ends[s]++;
                s = START;
            } else {
                s = step(s, *p);
            }
        }
        text[repeat * 97] ^= 1;
    }
    for (unsigned i = 0; i < STATES; i++)
        crc = crc16(crc, ends[i], 16);
    return crc;
}

int main(void) {
    uint32_t state = 0x12345678;
    uint16_t crc = 0xffff;
    uint64_t begun = csr_read(minstret);

    for (unsigned i = 0; i < ROUNDS; i++) {
        crc = list_round(crc, &state);
        crc = matrix_round(crc, i);
        crc = scan_round(crc, &state);
    }
    uint64_t spent = csr_read(minstret) - begun;
    print("rounds %u, checksum %x\n", ROUNDS, crc);
    check(spent > 0);
    return 0;
}
