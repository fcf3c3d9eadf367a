#!/bin/sh
# Makes what `npm run test:nfs` needs: a small virtual machine with Debian's kernel, its NFS server and client, and qemu to
# run it without KVM. Everything is extracted into a directory of its own (NFS_TEST_DIR); nothing is installed, nothing
# started. Needs Debian or Ubuntu on amd64, and about 90 MB of downloads, once.
set -eu
directory=${NFS_TEST_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/clusterplex-nfs}
here=$(dirname -- "$(readlink -f -- "$0")")
stamp=$directory/complete
# Made by these two files, or by older ones?
made=$(cat -- "$here/setup.sh" "$here/init" | sha256sum)
if [ -e "$stamp" ] && [ "$(cat -- "$stamp")" = "$made" ]; then exit 0; fi
echo "setting up $directory" >&2

debs=$directory/debs root=$directory/root
rm -rf -- "$root"
mkdir -p -- "$debs/partial" "$root"
kernel=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: //p' | head -n 1)
[ -n "$kernel" ] || { echo 'apt knows no kernel: run apt-get update' >&2; exit 1; }
# What is there already is not fetched, and found where it is.
apt-get install -qq -y --no-install-recommends --download-only -o Debug::NoLocking=1 \
  -o "Dir::Cache::archives=$debs" \
  qemu-system-x86 busybox-static kmod cpio nfs-common iproute2 >&2
# A kernel and a server that are extracted start nothing.
(cd -- "$debs" && apt-get download -qq "$kernel" nfs-kernel-server 2>&1 | grep -v unsandboxed >&2) || true
for deb in "$debs"/*.deb; do dpkg -x "$deb" "$root"; done
# In the virtual machine it lies over the host's /usr.
for part in bin sbin lib; do
  [ -d "$root/$part" ] || continue
  mkdir -p -- "$root/usr/$part"
  cp -a -- "$root/$part/." "$root/usr/$part/"
  rm -rf -- "${root:?}/$part"
  ln -s "usr/$part" "$root/$part"
done

version=${kernel#linux-image-}
export LD_LIBRARY_PATH="$root/usr/lib/x86_64-linux-gnu" PATH="$root/tools:$root/usr/bin:$PATH"
# Their own links are absolute.
mkdir -- "$root/tools"
for name in depmod modprobe; do
  if [ -e "$root/bin/kmod" ]; then ln -s ../bin/kmod "$root/tools/$name"; fi
done
depmod -b "$root" "$version"
tree=$directory/initramfs
rm -rf -- "$tree"
mkdir -p -- "$tree/bin" "$tree/modules" "$tree/proc" "$tree/sys" "$tree/dev" "$tree/host" "$tree/root"
cp -- "$(command -v busybox)" "$tree/bin/busybox"
install -m 755 -- "$here/init" "$tree/init"
for module in virtio_pci 9pnet_virtio 9p overlay fuse nfsd nfs nfsv4 veth bridge; do
  modprobe -d "$root" -S "$version" --show-depends "$module"
done | awk '$1 == "insmod" && !seen[$2]++ {print $2}' | while read -r file; do
  cp -- "$file" "$tree/modules/"
  basename -- "$file"
done > "$tree/modules/order"
(cd -- "$tree" && find . | cpio --quiet -o -H newc) | gzip -1 > "$directory/initrd"
cp -- "$root/boot/vmlinuz-$version" "$directory/kernel"
# 400 MB of modules, of which twenty were needed.
rm -rf -- "$root/usr/lib/modules" "${root:?}/boot" "$tree" "$debs"
echo "$made" > "$stamp"
