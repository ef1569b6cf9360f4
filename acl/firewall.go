package acl

// Firewall is the site-wide gate that every client passes before any list is asked. The
// zero Firewall lets nobody change anything; see Open.
type Firewall struct {
	// Create gates creating names, versions and upload jobs, and renaming.
	Create List
	// Delete gates deleting namespaces, objects and versions.
	Delete List
	// ManageACLs gates changing access control lists.
	ManageACLs List
	// ManageMetadata gates changing metadata.
	ManageMetadata List
}

// Open returns the firewall that lets everybody through.
func Open() Firewall {
	all := List{Everybody}
	return Firewall{Create: all, Delete: all, ManageACLs: all, ManageMetadata: all}
}
