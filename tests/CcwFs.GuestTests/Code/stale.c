/*
 * Reads code over code, and calls it: does the processor run what is in memory? For s390x, static.
 *
 *   stale direct DEVICE BLOCKSIZE    direct reads of one and of several blocks, the code in several places of a page and over the border of two
 *   stale track DEVICE               direct reads of whole tracks (raw_track_access)
 *   stale mapped FILE0 FILE1         one page of each file mapped at the same address, read from the disk each time
 *
 * Says for each case how many calls were wrong; ends with 1 when some were. The device's first blocks are not touched.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	LENGTH = 4 * PAGE,      /* of a read of several blocks */
	CALLS = 50,
	FIRST_BLOCK = 1000,     /* of 4096 bytes: behind the label and the VTOC */
	TRACK = 16 * PAGE,      /* as the driver gives a raw one */
	FIRST_TRACK = 60,
	FIRST_TARGET = 0x100, SECOND_TARGET = 0x200,
};

static unsigned char *page, *work;
static int wrong_cases;

static void check(long result, const char *what)
{
	if (result < 0) {
		perror(what);
		exit(2);
	}
}

/* load a number into register 2 by an instruction of 4 bytes (LGHI) or of 6 (LGFI), and return */
static size_t code(unsigned char *at, int number, int longer)
{
	const unsigned char shorter[] = { 0xa7, 0x29, 0, number, 0x07, 0xfe }, six[] = { 0xc0, 0x21, 0, 0, 0, number, 0x07, 0xfe };

	memcpy(at, longer ? six : shorter, longer ? sizeof(six) : sizeof(shorter));
	return longer ? sizeof(six) : sizeof(shorter);
}

static int call(const unsigned char *at)
{
	return (int)((long (*)(void))at)();
}

static void report(const char *name, int at, int longer, int wrong)
{
	printf("%s at %d%s: %d of %d calls wrong\n", name, at, longer ? ", long" : "", wrong, CALLS);
	wrong_cases += wrong != 0;
}

/* Two variants of LENGTH bytes on the disk; the part of one or the other at FROM is read, then the code at AT is called. */
static void direct(int device, const char *name, int at, int longer, int from, int length)
{
	int wrong = 0;

	for (int k = 0; k < 2; k++) {
		memset(work, 0x5a, LENGTH);
		code(work + at, 10 + k, longer);
		check(pwrite(device, work, LENGTH, (FIRST_BLOCK + 100L * k) * PAGE), "write");
	}
	check(pread(device, page, LENGTH, FIRST_BLOCK * (long)PAGE), "read");
	for (int i = 0; i < CALLS; i++) {
		int k = i & 1;

		check(pread(device, page + from, length, (FIRST_BLOCK + 100L * k) * PAGE + from), "read");
		wrong += call(page + at) != 10 + k;
	}
	report(name, at, longer, wrong);
}

/*
 * An instruction whose first bytes stay, LEFT bytes before the border, and whose others are read; what it does is seen at once: it branches, or it is interrupted. The
 * processor never gets to what follows it.
 */
static void over_border(int device, const char *name, const unsigned char *begin, int left, const unsigned char (*ends)[4], int length, int (*run)(unsigned char *))
{
	int wrong = 0;

	memset(page, 0x5a, 2 * PAGE);
	code(page + FIRST_TARGET, 10, 0);
	code(page + SECOND_TARGET, 11, 0);
	memcpy(page + PAGE - left, begin, left);
	for (int k = 0; k < 2; k++) {
		memset(work, 0x5a, PAGE);
		memcpy(work, ends[k], length);
		check(pwrite(device, work, PAGE, (FIRST_BLOCK + 100L * k) * PAGE), "write");
	}
	for (int i = 0; i < CALLS; i++) {
		int k = i & 1;

		check(pread(device, page + PAGE, PAGE, (FIRST_BLOCK + 100L * k) * PAGE), "read");
		wrong += run(page + PAGE - left) != 10 + k;
	}
	report(name, PAGE - left, 0, wrong);
}

static int branch(unsigned char *at)
{
	return call(at);
}

static sigjmp_buf fault;
static volatile long fault_address;

static void faulted(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	fault_address = (long)info->si_addr;
	siglongjmp(fault, 1);
}

/* The fault's page tells which displacement the instruction had. */
static int interrupted(unsigned char *at)
{
	fault_address = -1;
	if (sigsetjmp(fault, 1) == 0)
		call(at);
	return (int)(fault_address >> 12);
}

static void all_over_border(int device)
{
	/* BRCL 15 and BRC 15: halfwords from the instruction to its target */
	const int two[] = { (FIRST_TARGET - (PAGE - 2)) / 2, (SECOND_TARGET - (PAGE - 2)) / 2 };
	const int four[] = { (FIRST_TARGET - (PAGE - 4)) / 2, (SECOND_TARGET - (PAGE - 4)) / 2 };
	unsigned char ends[2][4];

	for (int k = 0; k < 2; k++)
		memcpy(ends[k], (unsigned char[]){ two[k] >> 24, two[k] >> 16, two[k] >> 8, two[k] }, 4);
	over_border(device, "long branch over two pages, 4 bytes read", (unsigned char[]){ 0xc0, 0xf4 }, 2, ends, 4, branch);
	for (int k = 0; k < 2; k++)
		memcpy(ends[k], (unsigned char[]){ four[k] >> 8, four[k] }, 2);
	over_border(device, "long branch over two pages, 2 bytes read", (unsigned char[]){ 0xc0, 0xf4, 0xff, 0xff }, 4, ends, 2, branch);
	for (int k = 0; k < 2; k++)
		memcpy(ends[k], (unsigned char[]){ two[k] >> 8, two[k] }, 2);
	over_border(device, "branch over two pages", (unsigned char[]){ 0xa7, 0xf4 }, 2, ends, 2, branch);

	/* LY of an address in page 10 or 11, where nothing is: displacement of 12 low and 8 high bits, no base */
	struct sigaction action = { .sa_sigaction = faulted, .sa_flags = SA_SIGINFO | SA_NODEFER };

	check(sigaction(SIGSEGV, &action, NULL), "sigaction");
	for (int k = 0; k < 2; k++)
		memcpy(ends[k], (unsigned char[]){ 0, 0, 10 + k, 0x58 }, 4);
	over_border(device, "load over two pages that is interrupted", (unsigned char[]){ 0xe3, 0x20 }, 2, ends, 4, interrupted);
}

static void all_direct(const char *path, int block)
{
	int device = open(path, O_RDWR | O_DIRECT);

	check(device, path);
	const int middle = PAGE / 2;
	for (int longer = 0; longer < 2; longer++) {
		int size = longer ? 8 : 6;

		direct(device, "one block, first bytes", 0, longer, 0, block);
		direct(device, "one block, middle", block / 2, longer, 0, block);
		direct(device, "one block, last bytes", block - size, longer, 0, block);
		direct(device, "page, middle", middle, longer, 0, PAGE);
		direct(device, "page, last bytes", PAGE - size, longer, 0, PAGE);
		direct(device, "over two pages, between instructions", PAGE - size + 2, longer, 0, LENGTH);
		for (int left = 2; left < size - 2; left += 2) {
			direct(device, "over two pages, in an instruction", PAGE - left, longer, 0, LENGTH);
			direct(device, "over two pages, the second read", PAGE - left, longer, PAGE, block);
		}
		direct(device, "last of many", LENGTH - size, longer, 0, LENGTH);
	}
	all_over_border(device);
}

/* The code lies somewhere in the track's image: behind a mark. */
static void all_tracks(const char *path)
{
	int device = open(path, O_RDONLY | O_DIRECT), wrong = 0;

	check(device, path);
	for (int i = 0; i < CALLS; i++) {
		int k = i & 1;

		check(pread(device, page, TRACK, (FIRST_TRACK + k) * (long)TRACK), "read a track");
		unsigned char *found = memmem(page, TRACK, "STALECODE!", 10);
		if (found == NULL) {
			fprintf(stderr, "no code in track %d\n", FIRST_TRACK + k);
			exit(2);
		}
		wrong += call(found + 10) != 10 + k;
	}
	report("track", 0, 0, wrong);
}

static void all_mapped(char **paths)
{
	int wrong = 0;

	for (int k = 0; k < 2; k++) {
		int file = open(paths[k], O_RDWR | O_CREAT | O_TRUNC, 0700);

		check(file, paths[k]);
		memset(work, 0x5a, PAGE);
		code(work, 10 + k, 0);
		check(write(file, work, PAGE), "write");
		check(fsync(file), "fsync");
		close(file);
	}
	for (int i = 0; i < CALLS; i++) {
		int k = i & 1, drop = open("/proc/sys/vm/drop_caches", O_WRONLY), file;

		check(drop, "drop_caches");
		check(write(drop, "3", 1), "drop_caches");
		close(drop);
		file = open(paths[k], O_RDONLY);
		check(file, paths[k]);
		if (mmap(page, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, file, 0) == MAP_FAILED)
			check(-1, "mmap");
		close(file);
		wrong += call(page) != 10 + k;
	}
	report("mapped", 0, 0, wrong);
}

int main(int count, char **words)
{
	page = mmap(NULL, TRACK + PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	work = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || work == MAP_FAILED)
		check(-1, "mmap");
	check(mlock(page, TRACK), "mlock");
	if (count == 4 && strcmp(words[1], "direct") == 0)
		all_direct(words[2], atoi(words[3]));
	else if (count == 3 && strcmp(words[1], "track") == 0)
		all_tracks(words[2]);
	else if (count == 4 && strcmp(words[1], "mapped") == 0)
		all_mapped(words + 2);
	else
		return 2;
	return wrong_cases != 0;
}
