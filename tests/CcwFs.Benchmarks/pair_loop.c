// pair_loop PATH COUNT: loops a pwrite and a pread of 124 bytes (an io region) on one descriptor and prints nanoseconds per pair
// (of the median batch).
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define REGION 124
#define BATCH 50 // about a millisecond: on a busy machine the median batch is one that was not interrupted

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
	if (argc != 3) {
		fprintf(stderr, "usage: pair_loop PATH COUNT\n");
		return 2;
	}
	int fd = open(argv[1], O_RDWR);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	long count = atol(argv[2]);
	char bytes[REGION] = { 0 };
	double *batches = calloc(count / BATCH + 1, sizeof(*batches)), start = now();
	for (long i = 0; i < count; i++) {
		if (pwrite(fd, bytes, REGION, 0) != REGION || pread(fd, bytes, REGION, 0) != REGION) {
			perror("pair");
			return 1;
		}
		if ((i + 1) % BATCH == 0) {
			batches[i / BATCH] = (now() - start) / BATCH;
			start = now();
		}
	}
	qsort(batches, count / BATCH, sizeof(*batches), by_value);
	printf("%.0f\n", batches[count / BATCH / 2]);
	return 0;
}
