//go:build linux || darwin || freebsd

package disk

import "golang.org/x/sys/unix"

// Free is how much this user may still write on the disk of the directory, bytes.
func Free(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}
