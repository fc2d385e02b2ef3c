// pair_loop PATH COUNT: loops a pwrite and a pread of 124 bytes (an io region) on one descriptor and prints nanoseconds per pair.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define REGION 124

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
	struct timespec start, end;
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (long i = 0; i < count; i++) {
		if (pwrite(fd, bytes, REGION, 0) != REGION || pread(fd, bytes, REGION, 0) != REGION) {
			perror("pair");
			return 1;
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	double ns = (end.tv_sec - start.tv_sec) * 1e9 + (end.tv_nsec - start.tv_nsec);
	printf("%.0f\n", ns / count);
	return 0;
}
