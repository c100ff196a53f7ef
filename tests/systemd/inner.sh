#!/bin/bash
# Becomes PID 1 of a machine of its own: systemd over a copy-on-write view of this one's files.
# usage, in fresh mount, pid, uts, ipc and cgroup namespaces: inner.sh FOLDER CHECKOUT
set -eu
folder=$1 checkout=$2
root=$folder/root
mkdir -p "$root" "$folder/layer"
mount -t tmpfs -o mode=755 tmpfs "$folder/layer"
mkdir "$folder/layer/upper" "$folder/layer/work"
mount -t overlay overlay \
    -o "lowerdir=/,upperdir=$folder/layer/upper,workdir=$folder/layer/work" "$root"
mount -t proc proc "$root/proc"
# systemd-sysctl would otherwise set up the kernel that everybody shares
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
    : > "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
resolver=$(cat /etc/resolv.conf || true) # it may be a link into /run
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
rm -f "$root/etc/resolv.conf" && echo "$resolver" > "$root/etc/resolv.conf"
mkdir -p "$root/run/checkout" "$root/run/outside"
mount --bind "$checkout" "$root/run/checkout"
mount --bind "$folder/shared" "$root/run/outside"

# nothing but the journal and what a test starts
rm -rf "$root/etc/systemd/system" "$root/opt/notifier" "$root/etc/notifier"
mkdir -p "$root/etc/systemd/system" "$root/etc/systemd/journald.conf.d"
printf '[Unit]\nWants=systemd-journald.service\nAfter=systemd-journald.service\n%s\n' \
    'AllowIsolate=yes' > "$root/etc/systemd/system/test.target"
printf '[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\nRateLimitIntervalSec=0\n' \
    > "$root/etc/systemd/journald.conf.d/test.conf"
: > "$root/etc/machine-id"
rm -f "$root/etc/fstab"
hostname machine
cd "$root"
mkdir -p mnt/old
pivot_root . mnt/old
umount -l /mnt/old
mount --make-rshared / # without it LoadCredential= gives an empty folder, silently
export container=other
exec env -i container=other PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
    /lib/systemd/systemd --system --unit=test.target --log-target=journal --show-status=no
