// nop_loop PATH COUNT CPA: loops START of the one-CCW program at guest address CPA through an io region: a pwrite of 124 bytes with a new
// interruption parameter, then preads of 124 bytes until the final status is in the IRB. Prints nanoseconds (of the median batch) and preads per round.
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REGION 124
#define BATCH 50 // about a millisecond: on a busy machine the median batch is one that was not interrupted
#define ORB_CONTROL 0x00c0ff00u    // format-1 CCWs, prefetch, every path
#define START_FUNCTION 0x00004000u // SCSW word 0
#define FINAL 0x00000007u          // primary, secondary and status pending
#define SCSW 12
#define IRB 24

static void put(char *at, uint32_t value)
{
	value = htonl(value);
	memcpy(at, &value, sizeof(value));
}

static uint32_t get(const char *at)
{
	uint32_t value;
	memcpy(&value, at, sizeof(value));
	return ntohl(value);
}

static int by_value(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;
	return (left > right) - (left < right);
}

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: nop_loop PATH COUNT CPA\n");
		return 2;
	}
	int fd = open(argv[1], O_RDWR);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	long count = atol(argv[2]), reads = 0;
	char request[REGION] = { 0 }, answer[REGION];
	put(request + 4, ORB_CONTROL);
	put(request + 8, strtoul(argv[3], NULL, 0));
	put(request + SCSW, START_FUNCTION);
	double *batches = calloc(count / BATCH + 1, sizeof(*batches)), start = now();
	for (long i = 0; i < count; i++) {
		put(request, (uint32_t)i);
		if (pwrite(fd, request, REGION, 0) != REGION) {
			perror("pwrite");
			return 1;
		}
		do {
			if (pread(fd, answer, REGION, 0) != REGION) {
				perror("pread");
				return 1;
			}
			reads++;
		} while ((get(answer + IRB) & FINAL) != FINAL);
		if (get(answer) != (uint32_t)i || (get(answer + IRB + 8) & 0xffff0000u) != 0x0c000000u) {
			fprintf(stderr, "round %ld: status %08x\n", i, get(answer + IRB + 8));
			return 1;
		}
		if ((i + 1) % BATCH == 0) {
			batches[i / BATCH] = (now() - start) / BATCH;
			start = now();
		}
	}
	qsort(batches, count / BATCH, sizeof(*batches), by_value);
	printf("%.0f %.3f\n", batches[count / BATCH / 2], (double)reads / count);
	return 0;
}
