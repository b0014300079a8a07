/* DynamoDB JSON lines -> Arrow arrays, one pass, no intermediate objects.

   A line is {"Item":{..}} (full export) or {"Metadata":{..},"Keys":{..},"OldImage":{..},"NewImage":{..}}
   (incremental; no NewImage: deleted). The caller gives the columns as a tree of nodes; each top-level
   attribute ends whole in its column or, when the column cannot hold it exactly, whole and as it was written in
   the `rest` column. Nothing is rounded, cut or dropped. What is not DynamoDB JSON stops the decoding with a
   message and the line's offset.

   No Python API: loaded by ctypes, so that one build serves every Python of an architecture. Arrays leave by
   the Arrow C data interface (https://arrow.apache.org/docs/format/CDataInterface.html), which takes the buffers
   over. Bounds: the text ends with a newline and 16 more readable bytes; no scan passes a control character
   inside a string, nor a newline anywhere. Depth is limited to MAX_DEPTH (DynamoDB nests 32 levels). */

#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 u128;
typedef __int128 i128;
enum { MAX_DEPTH = 64 };

/* kinds: S text, B bytes, I int64, D decimal128, F double, O boolean, J the value's own text,
   s n b sets (list of the only child), L list (child: any kind), M struct (named children) */
typedef struct Node {
    char kind, tag; /* tag: S, B or N of a scalar */
    int scale, children;
    char *name;
    size_t name_length;
    struct Node **child;
    int64_t length, capacity; /* rows */
    uint8_t *valid, *data;    /* a bit a row; values */
    int32_t *offsets;
    int64_t data_capacity;
    u128 limit; /* numbers: 10^precision */
    int previous, next; /* struct: the child named last, and the one probably named next */
    int follower;       /* the sibling that last came after this one */
} Node;

typedef struct Decoder {
    Node *root, *rest, *micros, *deleted;
    const char *line;
    char message[200];
    jmp_buf stop;
} Decoder;

struct ArrowArray {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

static _Noreturn void fail(Decoder *d, const char *message) {
    snprintf(d->message, sizeof d->message, "%s", message);
    longjmp(d->stop, 1);
}

/* ---- columns ---- */

static void *grow(Decoder *d, void *old, size_t size) {
    void *grown = realloc(old, size);
    if (!grown) fail(d, "out of memory");
    return grown;
}

static int width(char kind) { return kind == 'D' ? 16 : kind == 'I' || kind == 'F' ? 8 : 0; }
static int is_text(char kind) { return kind == 'S' || kind == 'B' || kind == 'J'; }
static int is_list(char kind) { return kind == 's' || kind == 'n' || kind == 'b' || kind == 'L'; }

static void one_more(Decoder *d, Node *n) {
    if (n->length < n->capacity) return;
    int64_t capacity = n->capacity ? n->capacity * 2 : 1024;
    n->valid = grow(d, n->valid, capacity / 8);
    if (width(n->kind)) n->data = grow(d, n->data, capacity * width(n->kind));
    if (n->kind == 'O') n->data = grow(d, n->data, capacity / 8);
    if (is_text(n->kind) || is_list(n->kind)) {
        n->offsets = grow(d, n->offsets, (capacity + 1) * sizeof *n->offsets);
        n->offsets[0] = 0;
    }
    n->capacity = capacity;
}

static void bit(uint8_t *bits, int64_t at, int on) {
    if (on) bits[at >> 3] |= (uint8_t)(1u << (at & 7));
    else bits[at >> 3] &= (uint8_t)~(1u << (at & 7));
}

static void finish(Node *n, int valid) { bit(n->valid, n->length++, valid); }

static int64_t text_end(Node *n) { return n->length ? n->offsets[n->length] : 0; }

static void append_null(Decoder *d, Node *n) {
    one_more(d, n);
    if (width(n->kind)) memset(n->data + n->length * width(n->kind), 0, width(n->kind));
    if (n->kind == 'O') bit(n->data, n->length, 0);
    if (n->offsets) n->offsets[n->length + 1] = (int32_t)text_end(n);
    if (n->kind == 'M')
        for (int i = 0; i < n->children; i++) append_null(d, n->child[i]);
    finish(n, 0);
}

/* Takes back what was appended after `length` rows, also what a failed value left in the children. */
static void truncate_to(Node *n, int64_t length) {
    n->length = length;
    if (is_list(n->kind)) truncate_to(n->child[0], length ? n->offsets[length] : 0);
    if (n->kind == 'M')
        for (int i = 0; i < n->children; i++) truncate_to(n->child[i], length);
}

static uint8_t *room(Decoder *d, Node *n, size_t size) {
    int64_t end = text_end(n), needed = end + (int64_t)size;
    if (needed > INT32_MAX) fail(d, "a column holds more than 2 GB in one chunk");
    if (needed > n->data_capacity) {
        n->data_capacity = needed * 2 + 4096;
        n->data = grow(d, n->data, n->data_capacity);
    }
    return n->data + end;
}

/* ---- text ---- */

static inline const char *blank(const char *p) {
    while (*p == ' ' || *p == '\t' || *p == '\r') p++;
    return p;
}

static const char *expect(Decoder *d, const char *p, char c) {
    p = blank(p);
    if (*p != c) {
        char message[40];
        snprintf(message, sizeof message, "'%c' expected", c);
        fail(d, message);
    }
    return blank(p + 1);
}

#define ONES 0x0101010101010101ull
#define HIGHS 0x8080808080808080ull

/* p behind the opening quote; returns the closing one. Eight bytes at a time: a byte of the mask is set where a
   quote, a backslash or a control character stands (above the first one perhaps also elsewhere). Little-endian. */
static const char *string_end(Decoder *d, const char *p, int *escaped) {
    *escaped = 0;
    for (;;) {
        uint64_t w, quote, slash, mask;
        memcpy(&w, p, 8);
        quote = w ^ (ONES * '"'), slash = w ^ (ONES * '\\');
        mask = (((quote - ONES) & ~quote) | ((slash - ONES) & ~slash) | ((w - ONES * 0x20) & ~w)) & HIGHS;
        if (!mask) { p += 8; continue; }
        p += __builtin_ctzll(mask) >> 3;
        if (*p == '"') return p;
        if (*p != '\\' || (unsigned char)p[1] < 0x20) fail(d, "a string is cut off or holds a control character");
        *escaped = 1;
        p += 2;
    }
}

static unsigned hex4(Decoder *d, const char *p) {
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        unsigned c = (unsigned char)p[i], digit;
        if (c >= '0' && c <= '9') digit = c - '0';
        else if ((c | 32) >= 'a' && (c | 32) <= 'f') digit = (c | 32) - 'a' + 10;
        else fail(d, "a \\u escape without four hexadecimal digits");
        value = value * 16 + digit;
    }
    return value;
}

/* Unescapes [p, end) to out; returns the length (never more than end - p). */
static size_t unescape(Decoder *d, const char *p, const char *end, uint8_t *out) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    uint8_t *o = out;
    while (p < end) {
        if (*p != '\\') { *o++ = (uint8_t)*p++; continue; }
        const char *known = memchr(from, p[1], 8);
        if (known) { *o++ = (uint8_t)to[known - from]; p += 2; continue; }
        if (p[1] != 'u' || end - p < 6) fail(d, "an unknown escape in a string");
        unsigned c = hex4(d, p + 2);
        p += 6;
        if (c >= 0xD800 && c < 0xDC00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
            unsigned low = hex4(d, p + 2);
            if (low < 0xDC00 || low > 0xDFFF) fail(d, "half of a surrogate pair");
            c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
            p += 6;
        }
        if (c >= 0xD800 && c < 0xE000) fail(d, "half of a surrogate pair");
        if (c < 0x80) *o++ = (uint8_t)c;
        else if (c < 0x800) { *o++ = (uint8_t)(0xC0 | c >> 6); *o++ = (uint8_t)(0x80 | (c & 63)); }
        else {
            if (c < 0x10000) *o++ = (uint8_t)(0xE0 | c >> 12);
            else { *o++ = (uint8_t)(0xF0 | c >> 18); *o++ = (uint8_t)(0x80 | (c >> 12 & 63)); }
            *o++ = (uint8_t)(0x80 | (c >> 6 & 63));
            *o++ = (uint8_t)(0x80 | (c & 63));
        }
    }
    return (size_t)(o - out);
}

/* ---- skipping a value, with its structure checked: what goes to `rest` or to a text column is sound ---- */

static const char *skip_string(Decoder *d, const char *p) {
    int escaped;
    p = blank(p);
    if (*p != '"') fail(d, "a string expected");
    return blank(string_end(d, p + 1, &escaped) + 1);
}

static int tag_is(const char *tag, size_t length, const char *name) {
    return length == strlen(name) && !memcmp(tag, name, length);
}

static const char *skip_value(Decoder *d, const char *p, int depth);

static const char *skip_members(Decoder *d, const char *p, int depth) { /* {"name":value,..} */
    p = expect(d, p, '{');
    if (*p == '}') return blank(p + 1);
    for (;;) {
        p = skip_value(d, expect(d, skip_string(d, p), ':'), depth + 1);
        if (*p == '}') return blank(p + 1);
        p = expect(d, p, ',');
    }
}

static const char *tag_of(Decoder *d, const char *p, size_t *length) {
    int escaped;
    p = blank(p);
    if (*p != '{') fail(d, "an attribute value such as {\"S\":\"..\"} expected");
    p = blank(p + 1);
    if (*p != '"') fail(d, "an attribute type such as \"S\" expected");
    *length = (size_t)(string_end(d, p + 1, &escaped) - p - 1);
    return p + 1;
}

static const char *skip_value(Decoder *d, const char *p, int depth) {
    size_t length;
    if (depth > MAX_DEPTH) fail(d, "nested too deep");
    const char *tag = tag_of(d, p, &length);
    p = expect(d, tag + length + 1, ':');
    if (length == 1 && (*tag == 'S' || *tag == 'N' || *tag == 'B')) p = skip_string(d, p);
    else if (tag_is(tag, length, "BOOL") || tag_is(tag, length, "NULL")) {
        if (!memcmp(p, "true", 4)) p = blank(p + 4);
        else if (*tag == 'B' && !memcmp(p, "false", 5)) p = blank(p + 5);
        else fail(d, "true or false expected");
    } else if (length == 1 && *tag == 'M') p = skip_members(d, p, depth);
    else if ((length == 1 && *tag == 'L') ||
             (length == 2 && tag[1] == 'S' && (*tag == 'S' || *tag == 'N' || *tag == 'B'))) {
        p = expect(d, p, '[');
        if (*p == ']') p = blank(p + 1);
        else for (;;) {
            p = length == 1 ? skip_value(d, p, depth + 1) : skip_string(d, p);
            if (*p == ']') { p = blank(p + 1); break; }
            p = expect(d, p, ',');
        }
    } else {
        char message[120];
        snprintf(message, sizeof message, "unknown attribute type '%.*s' (S N B BOOL NULL M L SS NS BS)",
                 (int)(length < 40 ? length : 40), tag);
        fail(d, message);
    }
    return expect(d, p, '}');
}

/* ---- scalars: 1 when the column holds the text exactly ---- */

static int append_text(Decoder *d, Node *n, const char *p, const char *end, int escaped) {
    uint8_t *out = room(d, n, (size_t)(end - p));
    size_t length = (size_t)(end - p);
    if (escaped) length = unescape(d, p, end, out);
    else if (length) memcpy(out, p, length); /* there may be no buffer yet */
    n->offsets[n->length + 1] = (int32_t)(text_end(n) + (int64_t)length);
    finish(n, 1);
    return 1;
}

static int append_bytes(Decoder *d, Node *n, const char *p, const char *end) { /* base64, as RFC 4648 has it */
    static int8_t value[256];
    if (value['/'] != 63) {
        const char *letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        memset(value, -1, sizeof value);
        for (int i = 0; i < 64; i++) value[(unsigned char)letters[i]] = (int8_t)i;
    }
    size_t length = (size_t)(end - p), pad = 0;
    if (length % 4) return 0;
    if (length && end[-1] == '=') pad = end[-2] == '=' ? 2 : 1;
    uint8_t *out = room(d, n, length), *o = out;
    for (const char *q = p; q < end; q += 4) {
        int last = q + 4 == end, a = value[(unsigned char)q[0]], b = value[(unsigned char)q[1]];
        int c = last && pad == 2 ? 0 : value[(unsigned char)q[2]];
        int e = last && pad ? 0 : value[(unsigned char)q[3]];
        if ((a | b | c | e) < 0) return 0;
        uint32_t bits = (uint32_t)(a << 18 | b << 12 | c << 6 | e);
        if (last && (bits & ((1u << (8 * pad)) - 1))) return 0; /* bits that decoding would drop */
        o[0] = (uint8_t)(bits >> 16), o[1] = (uint8_t)(bits >> 8), o[2] = (uint8_t)bits;
        o += 3;
    }
    n->offsets[n->length + 1] = (int32_t)(text_end(n) + (o - out) - (int64_t)pad);
    finish(n, 1);
    return 1;
}

/* The value times 10^scale as an integer below `limit`; 0 when it is none, and for -0, whose
   sign an integer cannot hold. */
static int exact(const char *p, const char *end, u128 limit, int scale, i128 *result) {
    int negative = p < end && *p == '-', digits = 0, any = 0, point = 0;
    long exponent = scale;
    u128 value = 0;
    p += negative;
    if (end - p <= 18) { /* most numbers: 64-bit arithmetic until a point or an exponent */
        uint64_t small = 0;
        const char *q = p;
        while (q < end && (unsigned)(*q - '0') < 10) small = small * 10 + (uint64_t)(*q++ - '0');
        digits = (int)(q - p), any = q > p, value = small, p = q;
        if (!small) digits = 0;
    }
    for (; p < end; p++) {
        unsigned digit = (unsigned)(*p - '0');
        if (digit < 10) {
            any = 1;
            if (value || digit) {
                if (++digits > 38) return 0;
                value = value * 10 + digit;
            }
            exponent -= point;
        } else if (*p == '.' && !point && any) point = 1;
        else if ((*p | 32) == 'e' && any && p + 1 < end) {
            char *stop, copy[12];
            size_t length = (size_t)(end - p - 1);
            if (length >= sizeof copy || p[1] == ' ') return 0;
            memcpy(copy, p + 1, length), copy[length] = 0;
            exponent += strtol(copy, &stop, 10);
            if (*stop || stop == copy) return 0;
            break;
        } else return 0;
    }
    if (!any || (negative && !value)) return 0;
    if (value && exponent > 38) return 0;
    for (; value && exponent > 0; exponent--) {
        if (++digits > 38) return 0;
        value *= 10;
    }
    for (; value && exponent < 0; exponent++) {
        if (value % 10) return 0;
        value /= 10;
    }
    if (value >= limit) return 0;
    *result = negative ? -(i128)value : (i128)value;
    return 1;
}

static int append_number(Node *n, const char *p, const char *end) {
    i128 value;
    if (n->kind == 'F') {
        char copy[64], *stop;
        size_t length = (size_t)(end - p);
        if (!length || length >= sizeof copy || !strchr("-0123456789", *p)) return 0;
        memcpy(copy, p, length), copy[length] = 0;
        double number = strtod(copy, &stop);
        if (*stop || number - number != 0) return 0;
        memcpy(n->data + n->length * 8, &number, 8);
    } else if (n->kind == 'I') {
        if (!exact(p, end, n->limit, 0, &value) || value > INT64_MAX || value < INT64_MIN) return 0;
        int64_t number = (int64_t)value;
        memcpy(n->data + n->length * 8, &number, 8);
    } else {
        if (!exact(p, end, n->limit, n->scale, &value)) return 0;
        memcpy(n->data + n->length * 16, &value, 16);
    }
    finish(n, 1);
    return 1;
}

static const char *append_scalar(Decoder *d, Node *n, const char *p) { /* p at the opening quote */
    int escaped, done;
    if (*p != '"') fail(d, "a string expected");
    const char *end = string_end(d, ++p, &escaped);
    one_more(d, n);
    if (n->kind == 'S') done = append_text(d, n, p, end, escaped);
    else if (escaped) done = 0;
    else done = n->kind == 'B' ? append_bytes(d, n, p, end) : append_number(n, p, end);
    return done ? blank(end + 1) : NULL;
}

/* ---- values ---- */

/* p at a member's name: the child of that name or NULL, and *value at the member's value. */
static Node *named(Decoder *d, Node *n, const char *p, const char **value) {
    uint8_t plain[1024];
    int escaped;
    if (*p != '"') fail(d, "a name expected");
    if (n->children) { /* members mostly come in the order of the last item's */
        Node *next = n->child[n->next];
        const char *end = p + 1 + next->name_length;
        if (!strncmp(p + 1, next->name, next->name_length) && end[0] == '"' && end[1] == ':') {
            n->previous = n->next;
            n->next = next->follower;
            *value = blank(end + 2);
            return next;
        }
    }
    const char *name = p + 1, *end = string_end(d, name, &escaped);
    size_t length = (size_t)(end - name);
    *value = expect(d, end + 1, ':');
    if (escaped) { /* a longer one is no column's: it goes to rest, as it is */
        if (length > sizeof plain) return NULL;
        length = unescape(d, name, end, plain);
        name = (const char *)plain;
    }
    for (int i = 0; i < n->children; i++)
        if (n->child[i]->name_length == length && !memcmp(n->child[i]->name, name, length)) {
            n->child[n->previous]->follower = i;
            n->previous = i;
            n->next = n->child[i]->follower;
            return n->child[i];
        }
    return NULL;
}

/* Appends the value to the column; NULL when the column cannot hold it (the caller truncates). */
static const char *append_value(Decoder *d, Node *n, const char *p, int depth) {
    size_t length;
    const char *start = p = blank(p);
    if (depth > MAX_DEPTH) fail(d, "nested too deep");
    if (n->kind == 'J') {
        p = skip_value(d, start, depth);
        const char *end = p;
        while (end[-1] != '}') end--;
        one_more(d, n);
        append_text(d, n, start, end, 0);
        return p;
    }
    if (n->tag && !memcmp(p, "{\"", 2) && p[2] == n->tag && !memcmp(p + 3, "\":\"", 3)) { /* as it is written */
        p = append_scalar(d, n, p + 5);
        return p ? expect(d, p, '}') : NULL;
    }
    const char *tag = tag_of(d, p, &length);
    p = expect(d, tag + length + 1, ':');
    switch (n->kind) {
    case 'S': case 'B': case 'I': case 'D': case 'F':
        if (length != 1 || *tag != n->tag || !(p = append_scalar(d, n, p))) return NULL;
        break;
    case 'O': {
        int on = !memcmp(p, "true", 4);
        if (!tag_is(tag, length, "BOOL") || (!on && memcmp(p, "false", 5))) return NULL;
        one_more(d, n);
        bit(n->data, n->length, on);
        finish(n, 1);
        p = blank(p + (on ? 4 : 5));
        break;
    }
    case 'M': {
        if (length != 1 || *tag != 'M') return NULL;
        one_more(d, n);
        int64_t row = n->length;
        p = expect(d, p, '{');
        if (*p == '}') p = blank(p + 1);
        else for (;;) {
            const char *value;
            Node *child = named(d, n, p, &value);
            if (!child || child->length > row) return NULL;
            if (!(p = append_value(d, child, value, depth + 1))) return NULL;
            if (*p == '}') { p = blank(p + 1); break; }
            p = expect(d, p, ',');
        }
        for (int i = 0; i < n->children; i++)
            if (n->child[i]->length == row) append_null(d, n->child[i]);
        finish(n, 1);
        break;
    }
    default: { /* lists and sets */
        char set[3] = {(char)(n->kind - 32), 'S', 0};
        if (!tag_is(tag, length, n->kind == 'L' ? "L" : set)) return NULL;
        one_more(d, n);
        p = expect(d, p, '[');
        if (*p == ']') p = blank(p + 1);
        else for (;;) {
            p = n->kind == 'L' ? append_value(d, n->child[0], p, depth + 1) : append_scalar(d, n->child[0], p);
            if (!p) return NULL;
            if (*p == ']') { p = blank(p + 1); break; }
            p = expect(d, p, ',');
        }
        if (n->child[0]->length > INT32_MAX) fail(d, "a list column holds too many elements in one chunk");
        n->offsets[n->length + 1] = (int32_t)n->child[0]->length;
        finish(n, 1);
    }
    }
    return expect(d, p, '}');
}

static const char *append_item(Decoder *d, const char *p) {
    Node *root = d->root, *rest = d->rest;
    int64_t row = root->length, written = 0;
    one_more(d, root), one_more(d, rest);
    p = expect(d, p, '{');
    if (*p == '}') p = blank(p + 1);
    else for (;;) {
        const char *start = p, *value, *next = NULL;
        Node *column = named(d, root, p, &value);
        if (column) {
            if (column->length > row) fail(d, "an attribute comes twice");
            if (!(next = append_value(d, column, value, 1))) {
                truncate_to(column, row);
                append_null(d, column);
            }
        }
        if (!next) { /* as it was written, behind '{' or ',' */
            next = skip_value(d, value, 1);
            size_t length = (size_t)(next - start);
            int64_t at = text_end(rest) + written;
            uint8_t *out = room(d, rest, (size_t)written + length + 2);
            rest->data[at] = written ? ',' : '{';
            memcpy(out + written + 1, start, length);
            written += (int64_t)length + 1;
        }
        if (*(p = next) == '}') { p = blank(p + 1); break; }
        p = expect(d, p, ',');
    }
    for (int i = 0; i < root->children; i++)
        if (root->child[i]->length == row) append_null(d, root->child[i]);
    if (written) {
        room(d, rest, (size_t)written + 1)[written] = '}';
        rest->offsets[row + 1] = (int32_t)(text_end(rest) + written + 1);
        finish(rest, 1);
    } else append_null(d, rest);
    finish(root, 1);
    return p;
}

static const char *append_micros(Decoder *d, const char *p) { /* {"WriteTimestampMicros":{"N":".."}} */
    p = skip_string(d, expect(d, p, '{'));
    if (!(p = append_value(d, d->micros, expect(d, p, ':'), 1)))
        fail(d, "WriteTimestampMicros is not a whole number");
    return expect(d, p, '}');
}

static void decode_line(Decoder *d, const char *p) {
    const char *keys = NULL;
    int64_t row = d->root->length;
    p = expect(d, p, '{');
    for (;;) {
        int escaped;
        if (*p != '"') fail(d, "a member's name expected");
        const char *name = p + 1, *end = string_end(d, name, &escaped);
        size_t length = (size_t)(end - name);
        p = expect(d, end + 1, ':');
        if (tag_is(name, length, d->micros ? "NewImage" : "Item")) {
            if (d->root->length > row) fail(d, "two items in a line");
            p = append_item(d, p);
        } else if (d->micros && tag_is(name, length, "Metadata")) p = append_micros(d, p);
        else if (d->micros && tag_is(name, length, "Keys")) p = skip_members(d, keys = p, 0);
        else if (d->micros && tag_is(name, length, "OldImage")) p = skip_members(d, p, 0);
        else fail(d, d->micros ? "not a line of an incremental export" : "not a line of a full export");
        if (*p == '}') break;
        p = expect(d, p, ',');
    }
    p = blank(p + 1);
    if (*p != '\n') fail(d, "something follows the line's end");
    int is_deleted = d->root->length == row;
    if (is_deleted && !keys) fail(d, d->micros ? "neither NewImage nor Keys" : "no Item");
    if (is_deleted) append_item(d, keys);
    if (d->micros) {
        if (d->micros->length != row + 1) fail(d, "no WriteTimestampMicros");
        one_more(d, d->deleted);
        bit(d->deleted->data, row, is_deleted);
        finish(d->deleted, 1);
    }
}

/* ---- what ctypes calls ---- */

static Node *make(char kind, int precision, int scale) {
    Node *n = calloc(1, sizeof *n);
    if (!n) return NULL;
    n->kind = kind, n->scale = scale, n->limit = 1;
    n->tag = kind == 'S' || kind == 'B' ? kind : width(kind) ? 'N' : 0;
    while (precision-- > 0) n->limit *= 10;
    return n;
}

static void clear(Node *n) {
    free(n->valid), free(n->data), free(n->offsets);
    n->valid = n->data = NULL, n->offsets = NULL;
    n->length = n->capacity = n->data_capacity = 0;
    for (int i = 0; i < n->children; i++) clear(n->child[i]);
}

static void drop(Node *n) {
    if (!n) return;
    for (int i = 0; i < n->children; i++) drop(n->child[i]);
    free(n->valid), free(n->data), free(n->offsets), free(n->child), free(n->name), free(n);
}

static int add(Node *parent, Node *child) {
    Node **grown = realloc(parent->child, (size_t)(parent->children + 1) * sizeof *grown);
    if (!grown || !child) return 0;
    parent->child = grown;
    grown[parent->children++] = child;
    return 1;
}

Decoder *decoder_open(int incremental) {
    Decoder *d = calloc(1, sizeof *d);
    if (!d) return NULL;
    d->root = make('M', 0, 0), d->rest = make('J', 0, 0);
    if (incremental) d->micros = make('I', 19, 0), d->deleted = make('O', 0, 0);
    return d;
}

/* The column's node, below `parent` (NULL: an attribute of the item). */
Node *decoder_column(Decoder *d, Node *parent, char kind, int precision, int scale, const char *name,
                     size_t length) {
    Node *n = make(kind, precision, scale);
    if (!n || !(n->name = malloc(length + 1))) return NULL;
    memcpy(n->name, name, length);
    n->name_length = length;
    return add(parent ? parent : d->root, n) ? n : NULL;
}

static void clear_all(Decoder *d) {
    clear(d->root), clear(d->rest);
    if (d->micros) clear(d->micros), clear(d->deleted);
}

/* Whole lines, `size` bytes, ending with a newline and followed by 16 readable bytes. Returns the rows, or
   -1 - (the offset of the line that is wrong). */
int64_t decoder_decode(Decoder *d, const char *text, int64_t size) {
    const char *end = text + size;
    clear_all(d);
    d->line = text;
    if (setjmp(d->stop)) return -1 - (d->line - text);
    while (d->line < end) {
        if (*blank(d->line) != '\n') decode_line(d, d->line);
        d->line = (const char *)memchr(d->line, '\n', (size_t)(end - d->line)) + 1;
    }
    return d->root->length;
}

const char *decoder_message(Decoder *d) { return d->message; }

void decoder_close(Decoder *d) {
    if (!d) return;
    drop(d->root), drop(d->rest), drop(d->micros), drop(d->deleted);
    free(d);
}

static void release(struct ArrowArray *a) {
    for (int64_t i = 0; i < a->n_children; i++) {
        if (a->children[i]->release) a->children[i]->release(a->children[i]);
        free(a->children[i]);
    }
    for (int64_t i = 0; i < a->n_buffers; i++) free((void *)a->buffers[i]);
    free(a->children), free(a->buffers);
    a->release = NULL;
}

static int export(Node *n, struct ArrowArray *a, int extra) {
    int children = n->children + extra;
    memset(a, 0, sizeof *a);
    a->length = n->length;
    a->n_buffers = n->kind == 'M' ? 1 : is_text(n->kind) ? 3 : 2;
    a->buffers = calloc(3, sizeof *a->buffers);
    a->children = calloc((size_t)children + 1, sizeof *a->children);
    if (!a->buffers || !a->children) return 0;
    a->release = release;
    for (int64_t i = 0; i < n->length; i++) a->null_count += !(n->valid[i >> 3] >> (i & 7) & 1);
    if (!n->valid) n->valid = calloc(1, 8);
    a->buffers[0] = n->valid;
    if (is_text(n->kind) || is_list(n->kind)) {
        a->buffers[1] = n->offsets ? (void *)n->offsets : calloc(1, 8);
        if (is_text(n->kind)) a->buffers[2] = n->data ? n->data : calloc(1, 8);
    } else if (n->kind != 'M') a->buffers[1] = n->data ? n->data : calloc(1, 8);
    n->valid = n->data = NULL, n->offsets = NULL;
    n->length = n->capacity = n->data_capacity = 0;
    for (int i = 0; i < children; i++) {
        a->children[i] = calloc(1, sizeof *a);
        if (!a->children[i]) return 0;
        a->n_children = i + 1;
        if (i < n->children && !export(n->child[i], a->children[i], 0)) return 0;
    }
    return 1;
}

/* The decoded rows as one struct array: the columns, rest, and of an incremental export micros and deleted. */
int decoder_export(Decoder *d, struct ArrowArray *a) {
    int columns = d->root->children, extra = d->micros ? 3 : 1;
    if (!export(d->root, a, extra) || !export(d->rest, a->children[columns], 0)) return 0;
    return !d->micros || (export(d->micros, a->children[columns + 1], 0) &&
                          export(d->deleted, a->children[columns + 2], 0));
}
