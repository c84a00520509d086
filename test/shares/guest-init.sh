# The first program of a guest (lab.ts). Its kernel's command line has name=, ip=, role=, lab= (a directory) and node=.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
mount -t tmpfs shm /dev/shm
for word in $(cat /proc/cmdline); do
  case $word in name=*) name=${word#*=} ;; ip=*) ip=${word#*=} ;; role=*) role=${word#*=} ;; lab=*) lab=${word#*=} ;; node=*) node=${word#*=} ;; agent=*) agent=${word#*=} ;; esac
done
echo "$name" > /proc/sys/kernel/hostname
ip link set lo up
ip addr add "$ip/24" dev vec0
# A frame larger than a segment would be dropped by another guest, and sent again after a while.
ip link set vec0 gso_max_segs 1 up
mount -t tmpfs nfs /var/lib/nfs
mkdir -p /var/lib/nfs/rpc_pipefs /var/lib/nfs/sm /var/lib/nfs/sm.bak /var/lib/nfs/v4recovery /run/rpcbind
load() { for module in "$@"; do modprobe -d "$lab" "$module" || echo "no module $module"; done; }
case $role in
host)
  load nfsv4 fuse
  # mount.cifs says ENOENT where one of the ciphers is missing.
  load hmac md5 cmac ccm gcm ctr ghash-generic aes_generic ecb sha256_generic sha512_generic seqiv dns_resolver cifs
  ;;
nfs)
  mknod /run/disk b 98 0
  mount -t ext4 /run/disk "$lab/nfs"
  load nfsd
  mount -t nfsd nfsd /proc/fs/nfsd
  touch /var/lib/nfs/etab /var/lib/nfs/rmtab
  rpcbind -w
  exportfs -o rw,no_root_squash,insecure,no_subtree_check,fsid=0,sync "*:$lab/nfs"
  echo 15 > /proc/fs/nfsd/nfsv4leasetime
  echo 15 > /proc/fs/nfsd/nfsv4gracetime
  rpc.mountd
  rpc.nfsd 4
  ;;
esac
exec "$node" "$agent" "$ip" "$name"
