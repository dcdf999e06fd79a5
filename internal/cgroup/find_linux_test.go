package cgroup

import "testing"

func TestWhereTheServicesCgroupIs(t *testing.T) {
	t.Parallel()
	const (
		root    = "23 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
		hybrid  = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
		unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
	)
	for _, c := range []struct {
		name, own, mounts string
		place, why        string
	}{
		{name: "version 1 alone", own: "4:memory:/\n1:cpu:/\n", mounts: root + hybrid, why: "this kernel has no cgroups of version 2"},
		{name: "version 2 not mounted", own: "4:memory:/\n0::/\n", mounts: root + hybrid, why: "no cgroups of version 2 are mounted"},
		{
			name: "both", own: "4:memory:/\n0::/\n", place: "/sys/fs/cgroup/unified",
			mounts: root + hybrid + "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n",
		},
		{name: "a unit", own: "0::/system.slice/charmd.service\n", mounts: root + unified, place: "/sys/fs/cgroup/system.slice/charmd.service"},
		{name: "a container that sees the machine's", own: "0::/docker/77\n", mounts: "30 23 0:26 /docker/77 /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", place: "/sys/fs/cgroup"},
		{name: "below a container's", own: "0::/docker/77/in\n", mounts: "30 23 0:26 /docker/77 /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", place: "/sys/fs/cgroup/in"},
		{name: "another's beside it", own: "0::/docker/777\n", mounts: "30 23 0:26 /docker/77 /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", why: "the service's cgroup /docker/777 is not mounted"},
		{name: "outside of the container", own: "0::/../b\n", mounts: root + unified, why: "the service's cgroup lies outside of its container's"},
		{name: "to be read alone", own: "0::/\n", mounts: "30 23 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup2 rw\n", why: "cgroups are mounted for reading alone"},
		{
			name: "mounted twice", own: "0::/a\n", place: "/mnt/a b/a",
			mounts: "30 23 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n31 23 0:26 / /mnt/a\\040b rw - cgroup2 cgroup2 rw\n",
		},
		{name: "nonsense", own: "0::/\n", mounts: " - \n- cgroup2\nx - cgroup2 y\n", why: "no cgroups of version 2 are mounted"},
	} {
		at, err := place(c.own, c.mounts)
		why := ""
		if err != nil {
			why = err.Error()
		}
		if at != c.place || why != c.why {
			t.Errorf("%s: %q, %q; want %q, %q", c.name, at, why, c.place, c.why)
		}
	}
}
