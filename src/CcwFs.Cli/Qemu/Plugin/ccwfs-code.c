/*
 * A plugin for QEMU's translator (TCG): marks what has been translated of a guest's code, for ccwfs, whose devices write guest memory past QEMU.
 *
 * Argument: marks=FD, a memory file. Its layout is that of GuestCodeMarks in src/CcwFs.Vfio/GuestCode.cs: one byte for each 4K page of this process's
 * address space, then tables for instructions that end in the next page, whose address QEMU does not tell: by their 2 bytes there, and by their 4 bytes.
 *
 * A byte is counted up after QEMU has read the code and before it can be run; 255 is followed by 1. ccwfs sets it to 0 when all of the page has been dropped.
 *
 * The interface is version 3 of QEMU's (9.1): the declarations are written from its documentation (docs/devel/tcg-plugins.rst).
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define VISIBLE __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;

typedef void (*tb_translated_t)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_translated_t callback);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *bytes, size_t length);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn);

VISIBLE int qemu_plugin_version = 3;

enum {
	PAGE_BITS = 12,
	PAGE = 1 << PAGE_BITS,
	LONGEST = 6,       /* bytes of an instruction */
	LONG_END_BITS = 20,
};

static const uint64_t PAGES = (uint64_t)1 << (48 - PAGE_BITS);
static const uint64_t SHORT_ENDS = PAGES;
static const uint64_t LONG_ENDS = SHORT_ENDS + 0x10000;
static const uint64_t SIZE = LONG_ENDS + (1 << LONG_END_BITS);

static uint8_t *marks;

/* With a full barrier: what was read before is read before others see the new count. */
static void count(uint64_t at)
{
	uint8_t old = __atomic_load_n(&marks[at], __ATOMIC_RELAXED), next;

	do
		next = old == UINT8_MAX ? 1 : old + 1;
	while (!__atomic_compare_exchange_n(&marks[at], &old, next, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
}

/*
 * The end is a number in the instruction, and zero. Nothing that such an instruction does before the processor goes on behind it, where the page is counted for itself,
 * depends on the number: it neither branches nor uses it as an address. It is left out because half of all memory begins with zeros.
 */
static bool is_zero_operand(const uint8_t *bytes, size_t size, size_t left)
{
	for (size_t i = left; i < size; i++) {
		if (bytes[i] != 0)
			return false;
	}
	switch (bytes[0]) {
	case 0xa5: case 0xc2: case 0xe5: /* with an immediate operand */
		return true;
	case 0xa7: case 0xc0:            /* some of these are branches (4 to 7), or make an address (LARL, 0) */
		return (bytes[1] & 0x0f) > 7 || ((bytes[1] & 0x0f) == 4 && bytes[1] >> 4 == 0);
	default:
		return false;
	}
}

/* An instruction that begins LEFT bytes before its page's end and goes on behind it. */
static void count_end(const struct qemu_plugin_insn *insn, size_t size, size_t left)
{
	uint8_t bytes[LONGEST] = {0};

	if (size > sizeof(bytes) || qemu_plugin_insn_data(insn, bytes, size) != size || is_zero_operand(bytes, size, left))
		return;
	const uint8_t *end = bytes + left;
	uint32_t value = (uint32_t)end[0] << 8 | end[1];
	if (size - left == 2) {
		count(SHORT_ENDS + value);
	} else {
		value = value << 16 | (uint32_t)end[2] << 8 | end[3];
		count(LONG_ENDS + (value * 2654435761u >> (32 - LONG_END_BITS)));
	}
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	uint64_t before = UINT64_MAX;

	(void)id;
	for (size_t i = 0, n = qemu_plugin_tb_n_insns(tb); i < n; i++) {
		const struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t page = (uint64_t)(uintptr_t)qemu_plugin_insn_haddr(insn) >> PAGE_BITS;
		size_t size = qemu_plugin_insn_size(insn);
		size_t left = PAGE - (qemu_plugin_insn_vaddr(insn) & (PAGE - 1));

		if (page != before && page != 0 && page < PAGES)
			count(page);
		before = page;
		if (size > left)
			count_end(insn, size, left);
	}
}

VISIBLE int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
	struct stat file;
	char *rest = "";
	long fd = -1;

	(void)info;
	if (argc == 1 && strncmp(argv[0], "marks=", 6) == 0 && argv[0][6] != '\0')
		fd = strtol(argv[0] + 6, &rest, 10);
	if (fd < 0 || *rest != '\0' || fstat((int)fd, &file) < 0 || file.st_size < (off_t)SIZE) {
		fprintf(stderr, "ccwfs-code: marks=FD is missing, or no such file\n");
		return -1;
	}
	void *mapped = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, (int)fd, 0);
	if (mapped == MAP_FAILED) {
		perror("ccwfs-code: the marks cannot be mapped");
		return -1;
	}
	marks = mapped;
	close((int)fd); /* it is not for QEMU's children */
	__atomic_store_n(&marks[0], 1, __ATOMIC_SEQ_CST); /* no page has number 0: the plugin is there */
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
