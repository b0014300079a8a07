package tributary;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.function.UnaryOperator;
import org.opensearch.client.node.NodeClient;
import org.opensearch.common.util.concurrent.ThreadContext;
import org.opensearch.core.rest.RestStatus;
import org.opensearch.plugins.ActionPlugin;
import org.opensearch.plugins.Plugin;
import org.opensearch.rest.BytesRestResponse;
import org.opensearch.rest.RestChannel;
import org.opensearch.rest.RestHandler;
import org.opensearch.rest.RestRequest;

/**
 * Lets in who knows the node's secret: every REST handler is wrapped, as OpenSearch's own security plugin wraps them.
 *
 * The secret is in the environment of the node and in the header `X-Tributary-Node` of each request. A web page can't
 * send that header without a preflight, which the node does not answer with CORS headers (`http.cors.enabled` is off),
 * whatever name it lets point to this machine; nor can another user of the machine, who does not know it.
 */
public final class Guard extends Plugin implements ActionPlugin {
    static final String HEADER = "X-Tributary-Node";
    private final byte[] secret = System.getenv("TRIBUTARY_NODE_SECRET").getBytes(StandardCharsets.UTF_8);

    @Override
    public UnaryOperator<RestHandler> getRestHandlerWrapper(ThreadContext context) {
        return handler -> new RestHandler.Wrapper(handler) {
            @Override
            public void handleRequest(RestRequest request, RestChannel channel, NodeClient client) throws Exception {
                List<String> given = request.getAllHeaderValues(HEADER);
                if (given != null && given.size() == 1
                    && MessageDigest.isEqual(secret, given.get(0).getBytes(StandardCharsets.UTF_8))) {
                    super.handleRequest(request, channel, client);
                } else {
                    channel.sendResponse(new BytesRestResponse(RestStatus.FORBIDDEN, "this node serves its cloud only"));
                }
            }
        };
    }
}
