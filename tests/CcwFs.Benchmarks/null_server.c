// null_server MOUNTPOINT [OPTION]…: one directory with one file "null" of 124 bytes on libfuse3's low-level API; a write is accepted, a read gives
// the bytes, direct I/O, single-threaded (its fastest loop). The comparison partner of the managed session. Options are libfuse's.
#define FUSE_USE_VERSION 34
#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REGION 124
#define FILE_NODE 2
#define VALID 1.0

static char content[REGION];

static void fill(fuse_ino_t node, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = node;
	st->st_mode = node == FUSE_ROOT_ID ? S_IFDIR | 0700 : S_IFREG | 0600;
	st->st_size = node == FUSE_ROOT_ID ? 0 : REGION;
	st->st_nlink = 1;
	st->st_uid = getuid();
	st->st_gid = getgid();
}

#ifdef FUSE_CONN_FLAG_SINGLE_ISSUER
// Over io_uring its quickest way: every reply comes from the thread that got the request, and nothing is ever interrupted.
static void null_init(void *data, struct fuse_conn_info *conn)
{
	(void)data;
	fuse_set_conn_flag(conn, FUSE_CONN_FLAG_SINGLE_ISSUER);
	fuse_set_conn_flag(conn, FUSE_CONN_FLAG_NO_INTERRUPT);
}
#endif

static void null_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = { .ino = FILE_NODE, .attr_timeout = VALID, .entry_timeout = VALID };
	if (parent != FUSE_ROOT_ID || strcmp(name, "null") != 0) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	fill(FILE_NODE, &entry.attr);
	fuse_reply_entry(req, &entry);
}

static void null_getattr(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct stat st;
	(void)fi;
	fill(node, &st);
	fuse_reply_attr(req, &st, VALID);
}

static void null_open(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	(void)node;
	fi->direct_io = 1;
	fuse_reply_open(req, fi);
}

static void null_read(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)node;
	(void)fi;
	if (offset >= REGION)
		size = 0;
	else if (size > (size_t)(REGION - offset))
		size = REGION - offset;
	fuse_reply_buf(req, size ? content + offset : NULL, size);
}

static void null_write(fuse_req_t req, fuse_ino_t node, const char *bytes, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)node;
	(void)fi;
	if (offset + size > REGION) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	memcpy(content + offset, bytes, size);
	fuse_reply_write(req, size);
}

static const struct fuse_lowlevel_ops operations = {
#ifdef FUSE_CONN_FLAG_SINGLE_ISSUER
	.init = null_init,
#endif
	.lookup = null_lookup,
	.getattr = null_getattr,
	.open = null_open,
	.read = null_read,
	.write = null_write,
};

int main(int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	int status = 1;
	if (argc < 2) {
		fprintf(stderr, "usage: null_server MOUNTPOINT [OPTION]...\n");
		return 2;
	}
	for (int i = 0; i < argc; i++)
		if (i != 1 && fuse_opt_add_arg(&args, argv[i]) != 0)
			return 1;
	struct fuse_session *session = fuse_session_new(&args, &operations, sizeof(operations), NULL);
	if (!session)
		return 1;
	if (fuse_set_signal_handlers(session) == 0 && fuse_session_mount(session, argv[1]) == 0) {
		puts("mounted");
		fflush(stdout);
		status = fuse_session_loop(session);
		fuse_session_unmount(session);
	}
	fuse_remove_signal_handlers(session);
	fuse_session_destroy(session);
	fuse_opt_free_args(&args);
	return status ? 1 : 0;
}
