# In a copy of Go kit: services are registered by zk/recipes and followed by zk/cache, on package zk.
cp -R "$ZKFS/compat/testdata/go-kit/put/." .
cd sd/zk
sed -i '/^\/\/ GetEntries implements/,/^\/\/ Stop implements/{/^\/\/ Stop implements/!d}' client.go
sed -i 's/^\tquit   chan struct{}/&\n\tfollowed/' client.go
sed -i 's/&client{.*}$/\&client{Conn: conn, clientConfig: config, active: true, quit: make(chan struct{})}/' client.go
sed -i '/^\t\/\/ dialer overrides/,/^\t}$/d; s/zk.WithDialer(dialer)/zk.WithConnectTimeout(config.connectTimeout)/; /^\t"net"$/d' client.go
sed -i '/^\tnode string/d; s/^\tData \[\]byte.*/&\n\tregistration/' registrar.go
cd ../..
go mod edit -replace=github.com/go-zookeeper/zk="$ZKFS/compat/go-zookeeper" -replace=github.com/zkfs/zkfs="$ZKFS"
