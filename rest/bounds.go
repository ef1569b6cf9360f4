package rest

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// Limits of the header of a request.
const (
	maxHeader = 64 << 10 // bytes of all names and values
	maxFields = 256
)

// boundHeader refuses requests with more header fields than anybody needs, before anything
// reads them.
func (s *Server) boundHeader(c *gin.Context) {
	size, fields := 0, 0
	for name, values := range c.Request.Header {
		fields += len(values)
		for _, value := range values {
			size += len(name) + len(value)
		}
	}
	if size <= maxHeader && fields <= maxFields {
		return
	}
	c.Request.Header = http.Header{}
	s.begin(c).fail(&refusal{
		status:  http.StatusRequestHeaderFieldsTooLarge,
		message: "The request has too many header fields, or too long ones.",
	})
	c.Abort()
}
